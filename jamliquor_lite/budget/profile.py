"""Every bound of a node in one place, so that a board can say all of them.

A name carries its unit. A comment says what would grow, or be spent, if the bound were not there.
"""


class Profile:
    """The numbers of a board. The defaults are those of a Linux host; a board lowers them."""

    name = "linux"

    # chain: one column entry per header between the root and the heads (levels.py counts over it)
    tree_headers = 4096  # a peer that invents forks; full spec needs 2 epochs + the vouching time (about 1,650)
    tree_marks = 16  # an author that forges a key set or ticket set per fork: each is up to 66 KB at full spec
    set_writes = 8  # sets of each kind that go into flash in one epoch: forged marks would wear it out (flash_sets.py)
    scratch_writes = 8  # long headers that go into flash and lead to nothing, at once (long_header.py)
    scratch_refill_ms = 1_200_000  # and one more each so often
    held_headers = 16  # kept aside: their slot has not come, or no child names them yet; the oldest goes first
    fork_headers = 64  # headers of one fork, fetched from its head backwards; a longer fork comes in forwards
    equivocations = 64  # evidence kept; beyond it the oldest is dropped

    # connections and streams
    max_peers = 16  # sockets and TLS state
    peers_ceiling = 64  # the most a file may ask for: each is a socket and TLS state
    min_peers = 4  # fewer, and spare peers are dialed: one that lies by silence must not be the only one
    inbound_streams = 32  # a peer that opens streams and never uses them; typeberry opens 19 at once
    outbound_streams = 32
    # What a peer may send ahead on one stream. With the 256 KiB that yamux begins with, js-libp2p sends half of what
    # it can; with less than that py-libp2p, which looks for window now and then, sends 6 MB a second.
    stream_window_bytes = 1024 * 1024
    connection_window_bytes = 2048 * 1024  # and on all streams of a connection together
    quic_stream_window_bytes = 64 * 1024  # the same over QUIC, where it does not wait in pools
    quic_connection_window_bytes = 512 * 1024
    send_buffer_bytes = 128 * 1024  # what may wait for a slow peer on one stream
    connection_send_bytes = 512 * 1024  # and on all streams of a connection together
    chunk_bytes = 16 * 1024  # what waits in yamux streams does so in buffers of this size
    stream_chunks = 256  # and there are so many, for all connections
    frame_bytes = 65_537  # a Noise frame with its length: a peer whose frames are longer is refused
    frames = 48  # buffers of that size, for all connections: one while a frame comes in, one while one goes out
    frame_stall_ms = 10_000  # a peer that begins a frame and never ends it keeps a buffer
    farewell_ms = 1_000  # a peer that does not take our goodbye
    pins = 256  # peers remembered as post-quantum: strangers could fill the store
    peer_addresses = 8  # of one peer that are tried
    dials = 8  # connections that we are making at once
    protocol_name_bytes = 256  # names of protocols are passed on in pieces of this size
    stream_stall_ms = 10_000  # bytes that nobody reads, or no peer takes, while others find no chunk
    stream_ack_ms = 15_000  # a peer that never answers to a stream of ours
    half_closed_ms = 120_000  # a stream with one half ended and nothing moving on the other
    pings_per_minute = 120  # yamux pings that are answered; a peer that has us send all day long
    handshake_timeout_ms = 5_000  # a peer that connects and says nothing
    idle_timeout_ms = 30_000
    handshakes = 8  # connections that have not proved who they are
    connections_per_source = 8  # one host that takes every slot

    # identify and ping
    identify_bytes = 8192  # what a peer may say of itself; go-libp2p and js-libp2p draw the line there too
    identify_buffers = 8  # peers that are heard out at a time, each in a buffer of that size
    identify_addrs = 16  # addresses of one peer that are kept
    identify_protocols = 64  # and protocols: js-libp2p with all its services has 20
    identify_timeout_ms = 10_000  # a peer that says it a byte at a time
    ping_timeout_ms = 10_000  # a peer that does not answer
    ping_idle_ms = 60_000  # a peer that opens a ping stream and lets it lie

    # messages
    header_bytes = 128 * 1024  # longest header that is taken whole; full spec has up to 98,577 bytes
    announce_bytes = 128 * 1024  # headers that wait to be announced to one peer; 0 where none are passed on
    read_bytes = 4096  # what is checked or skipped while it comes is read in pieces of this size
    push_bytes = 1024  # the same for pushes that nobody here needs: a ticket, the only one today, has 789
    asks = 8  # questions about state at once; a caller beyond that is told to come back
    leaves = 64  # leaves a peer may list in its UP 0 handshake
    block_request_blocks = 128  # blocks asked for at once
    range_headers = 438  # the same where headers come alone: as many plain ones as an answer holds
    block_bytes = 16 * 1024 * 1024  # one block's extrinsic: skipped, never held, but not read without end
    proof_nodes = 1024  # boundary nodes of one CE 129 answer: two paths of at most 248 nodes, with room
    state_answer_bytes = 4 * 1024 * 1024  # one CE 129 answer, values included
    state_entries = 65_536
    value_bytes = 1024 * 1024  # a value longer than this is proved and summarised, not returned

    # a gateway, which serves many lite nodes from a few upstreams
    header_store_bytes = 16 * 1024 * 1024  # headers kept for those who catch up: two days at full spec
    header_store_headers = 32_768
    served_streams = 8  # requests of one peer that are answered at once
    relays = 24  # answers under way from upstreams to peers, each with a buffer of its own
    relay_chunk_bytes = 16 * 1024  # and that is its size
    relays_upstream = 6  # at once from one upstream: slow readers of all may not fill its connection's window
    relays_per_peer = 2  # at once for one peer
    relay_queue = 64  # requests that wait for their turn
    relay_rate = 20  # requests of one peer that are passed on, per second
    relay_stall_ms = 2_000  # a peer that takes nothing of its answer while others wait for a turn
    relay_timeout_ms = 30_000  # and while nobody does
    announce_queue = 32  # announcements that wait for a peer that does not read
    waiting_headers = 32  # headers that came before their parents: nothing of them was checked
    waiting_per_peer = 8  # and of one peer
    waiting_header_ms = 3_000  # a parent that is announced and never shown
    block_bytes_kept = 256 * 1024  # a longer block is passed through and not kept
    block_store_bytes = 16 * 1024 * 1024  # recent blocks, whole, for other gateways and who asks for one
    block_fetches = 4  # of those under way at once, each with twice the memory of the longest
    block_fetch_ms = 10_000  # a peer that sends one byte by byte
    relay_hops = 3  # gateways that a request may pass beyond the first: 7 at most
    relay_tries = 2  # gateways that are asked for the same, one after the other
    state_probe_ms = 15_000  # how often an upstream of which nothing is known is asked whether it serves state

    # times
    block_announce_timeout_ms = 60_000
    state_sync_timeout_ms = 10_000
    transaction_timeout_ms = 10_000
    peer_retry_ms = 2_000
    peer_retry_max_ms = 60_000
    checkpoint_interval_ms = 10_000  # a store that is written on every header wears out

    # rates; 0 is no cap
    max_download_rate = 0  # bytes per second, on the wire
    max_upload_rate = 0


LINUX = Profile()
