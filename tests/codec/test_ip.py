# portable: runs on CPython and MicroPython
"""IP addresses as text: the examples of RFC 4291 and RFC 5952, and what is none."""

from jamliquor_lite.codec import ip
from jamliquor_lite.errors import VerifyError
from tests.support import raises, unhex

# RFC 4291 section 2.2 and RFC 5952 sections 1 to 5: text, bytes, the one text
SIX = (
    ("2001:DB8:0:0:8:800:200C:417A", "20010db8000000000008 0800200c417a", "2001:db8::8:800:200c:417a"),
    ("FF01:0:0:0:0:0:0:101", "ff01" + "00" * 12 + "0101", "ff01::101"),
    ("0:0:0:0:0:0:0:1", "00" * 15 + "01", "::1"),
    ("0:0:0:0:0:0:0:0", "00" * 16, "::"),
    ("::", "00" * 16, "::"),
    ("1::", "0001" + "00" * 14, "1::"),
    ("0:0:0:0:0:0:13.1.68.3", "00" * 12 + "0d014403", "::d01:4403"),
    ("::FFFF:129.144.52.38", "00" * 10 + "ffff81903426", "::ffff:129.144.52.38"),
    ("::ffff:8190:3426", "00" * 10 + "ffff81903426", "::ffff:129.144.52.38"),
    ("2001:db8::0001:0001", "20010db8" + "00" * 8 + "00010001", "2001:db8::1:1"),
    ("2001:db8:0:1:1:1:1:1", "20010db8 0000 0001 0001 0001 0001 0001", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001 0000 0000 0001 0000 0000 0000 0001", "2001:0:0:1::1"),
    ("2001:db8:0:0:1:0:0:1", "20010db8 0000 0000 0001 0000 0000 0001", "2001:db8::1:0:0:1"),
    ("1:2:3:4:5:6:7::", "0001 0002 0003 0004 0005 0006 0007 0000", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0000 0002 0003 0004 0005 0006 0007 0008", "0:2:3:4:5:6:7:8"),
    ("0000:0000:0000:0000:0000:FFFF:255.255.255.255", "00" * 10 + "ffff" + "ff" * 4, "::ffff:255.255.255.255"),
    ("64:ff9b::192.0.2.33", "0064ff9b" + "00" * 8 + "c0000221", "64:ff9b::c000:221"),
)


def test_ip6_examples():
    for text, data, canonical in SIX:
        assert ip.parse6(text) == unhex(data), text
        assert ip.format6(unhex(data)) == canonical, text
        assert ip.parse6(canonical) == unhex(data), text


def test_what_is_no_ip6_address():
    for text in (
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4::5:6:7:8", "::1:2:3:4:5:6:7:8",
        "12345::", "g::", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1.2.3.4", "::1.2.3", "::1.2.3.4:5", "1.2.3.4::",
        "::256.1.1.1", "1:2:3:4:5:6:7:1.2.3.4", "::+1", "::0x1", "::1_1", "fe80::1%eth0", "::١", " ::1", "::1\n",
        "0" * 46, "::" + "1:" * 100,
    ):  # fmt: skip
        assert raises(VerifyError, ip.parse6, text).rule == "ip", text


def test_ip4():
    for text, data in (("0.0.0.0", "00000000"), ("192.0.2.7", "c0000207"), ("255.255.255.255", "ffffffff")):
        assert ip.parse4(text) == unhex(data)
        assert ip.format4(unhex(data)) == text


def test_what_is_no_ip4_address():
    for text in (
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.00", "1.2.3.", ".1.2.3", "1.2.3.-4", "1.2.3.+4",
        "1.2.3.a", "1.2.3.4 ", "::1", "١.2.3.4", "1.2.3.4000", "1..2.3", "0x1.2.3.4", "1.2.3.4\n",
    ):  # fmt: skip
        assert raises(VerifyError, ip.parse4, text).rule == "ip", text


def test_ip4_within_ip6():
    assert ip.is_mapped(ip.parse6("::ffff:1.2.3.4"))
    assert not ip.is_mapped(ip.parse6("::1.2.3.4")) and not ip.is_mapped(b"\x01\x02\x03\x04")
