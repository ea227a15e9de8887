"""Peer addresses in both forms, and what is wrong with the wrong ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamliquor_lite.cli import addresses
from jamliquor_lite.cli.addresses import AddressError, JamAddress, Multiaddr, parse, peer_id_fault
from jamliquor_lite.transport.quic_certificate import alt_name

NAME = "e" + "a" * 52
SHA256_ID = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"  # the example of libp2p/specs, peer-ids
ED25519_ID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (f"{NAME}@127.0.0.1:40000", "127.0.0.1", 40000),
        (f"{NAME}@[::1]:1", "::1", 1),
        (f"{NAME}@[2001:db8::7]:65535", "2001:db8::7", 65535),
    ],
)
def test_jam_addresses(text: str, host: str, port: int) -> None:
    address = parse(text)
    assert isinstance(address, JamAddress)
    assert (address.name, address.host, address.port, address.text) == (NAME, host, port, text)


@given(st.binary(min_size=32, max_size=32))
def test_the_name_of_every_key_is_a_name(public: bytes) -> None:
    assert parse(alt_name(public) + "@127.0.0.1:1").text.startswith(alt_name(public))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "begins with `/`"),
        ("localhost:4000", "begins with `/`"),
        (f"{NAME}@127.0.0.1", "has no port"),
        (f"{NAME}@127.0.0.1:0", "must be 1 to 65535"),
        (f"{NAME}@127.0.0.1:65536", "must be 1 to 65535"),
        (f"{NAME}@127.0.0.1:+1", "must be 1 to 65535"),
        (f"{NAME}@127.0.0.1:١", "must be 1 to 65535"),
        (f"{NAME}@127.0.0.256:1", "no IPv4 address"),
        (f"{NAME}@example.org:1", "no IPv4 address"),
        (f"{NAME}@::1:1", "must be in brackets"),
        (f"{NAME}@[::1]", "has no port"),
        (f"{NAME}@[127.0.0.1]:1", "no IPv6 address"),
        (f"{NAME[:-1]}@127.0.0.1:1", "no JAM name"),
        (f"{NAME}a@127.0.0.1:1", "no JAM name"),
        (f"{NAME[:-1]}c@127.0.0.1:1", "being a or b"),
        (f"{NAME.upper()}@127.0.0.1:1", "no JAM name"),
        (f"d{NAME[1:]}@127.0.0.1:1", "no JAM name"),
        ("x" * 600, "at most 512"),
        ("/", "no protocol"),
        ("/ip4", "needs a value"),
        ("/ip4/", "needs a value"),
        ("/ip4/1.2.3/tcp/1", "no IPv4 address"),
        ("/ip6/1.2.3.4/tcp/1", "no IPv6 address"),
        ("/ip4/1.2.3.4/tcp/99999", "must be 1 to 65535"),
        ("/ip4/1.2.3.4/sctp/1", "`sctp` is no protocol"),
        ("/tcp/1", "begins with /ip4"),
        ("/dns/-.-..x/tcp/1", "no host name"),
    ],
)
def test_wrong_addresses_say_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="e/@[]:.0123456789ipdnstcpQm\n\0é", max_size=60))
def test_any_text_is_an_address_or_one_clear_error(text: str) -> None:
    try:
        assert isinstance(parse(text), (JamAddress, Multiaddr))
    except AddressError as error:
        assert str(error)


def test_multiaddr_parts() -> None:
    address = parse(f"/ip4/10.0.0.1/udp/4001/quic-v1/p2p/{SHA256_ID}")
    assert isinstance(address, Multiaddr)
    assert address.parts == [("ip4", "10.0.0.1"), ("udp", "4001"), ("quic-v1", ""), ("p2p", SHA256_ID)]
    assert address.peer_id == SHA256_ID


def test_the_peer_behind_a_relay_is_the_last_one() -> None:
    address = parse(f"/dns4/relay.example/tcp/1/p2p/{SHA256_ID}/p2p-circuit/p2p/{ED25519_ID}")
    assert isinstance(address, Multiaddr)
    assert address.peer_id == ED25519_ID


@pytest.mark.parametrize("peer_id", [SHA256_ID, ED25519_ID])
def test_peer_ids(peer_id: str) -> None:
    assert peer_id_fault(peer_id) == ""


@pytest.mark.parametrize(
    ("peer_id", "complaint"),
    [
        ("", "names no peer"),
        ("QmBootnode1", "no peer id"),
        (SHA256_ID[:-1], "no peer id"),
        (SHA256_ID + "1", "no peer id"),
        (SHA256_ID.replace("g", "0"), "not base 58"),
        (ED25519_ID[:-1], "no peer id"),
        ("1" * 52, "no peer id"),
    ],
)
def test_wrong_peer_ids(peer_id: str, complaint: str) -> None:
    assert complaint in peer_id_fault(peer_id)


def test_an_address_keeps_its_text() -> None:
    assert repr(addresses.parse_jam(f"{NAME}@127.0.0.1:7")) == f"JamAddress({NAME}@127.0.0.1:7)"


def test_multiaddrs_are_shown_in_their_one_form() -> None:
    cid = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe"
    for peer in ("ipfs/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", f"p2p/{cid}", f"ipfs/{cid}"):
        address = addresses.parse_multiaddr(f"/ip6/2001:DB8::0:1/tcp/007/{peer}")
        assert address.text == "/ip6/2001:db8::1/tcp/7/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        assert address.peer_id == "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        assert peer_id_fault(address.peer_id) == ""
    assert peer_id_fault(cid) == ""


def test_a_wrong_peer_id_costs_the_peer_and_not_the_file() -> None:
    address = addresses.parse_multiaddr(f"/ip4/1.2.3.4/tcp/1/p2p/{SHA256_ID}/p2p-circuit/p2p/QmBootnode1")
    assert address.peer_id == "QmBootnode1" and address.parts[1] == ("tcp", "1")
    assert "`QmBootnode1` is no peer id" in peer_id_fault(address.peer_id)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("/ip4/1.2.3.4/tcp/0", "part 2 (/tcp): port `0` must be 1 to 65535"),
        ("/ip4/1.2.3.4/tcp/1/udp/1", "part 3 (/udp): it cannot stand behind /tcp"),
        ("/p2p/" + SHA256_ID, "begins with /ip4"),
        ("/p2p/x", "begins with /ip4"),
        ("/p2p-circuit", "begins with /ip4"),
        (f"{NAME}@[fe80::1%]:1", "no IPv6 address"),
        (f"{NAME}@[fe80::1%a%b]:1", "no IPv6 address"),
    ],
)
def test_addresses_that_nobody_could_dial(text: str, complaint: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert complaint in str(caught.value)


def test_a_link_local_address_has_a_zone() -> None:
    assert addresses.parse_jam(f"{NAME}@[fe80::1%eth0]:7").host == "fe80::1%eth0"
