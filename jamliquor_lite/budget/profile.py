"""Every bound of a node in one place, so that a board can say all of them.

A name carries its unit. A comment says what would grow, or be spent, if the bound were not there.
"""


class Profile:
    """The numbers of a board. The defaults are those of a Linux host; a board lowers them."""

    name = "linux"

    # memory: check.py adds up what all pools, tables and queues below can take
    memory_bytes = 0  # resident, with everything; 0: a host of which nobody said what the node may take
    code_bytes = 48 * 1024 * 1024  # of that, the interpreter and what is loaded

    # chain: one column entry per header between the root and the heads (levels.py counts over it)
    tree_headers = 4096  # a peer that invents forks; full spec needs 2 epochs + the vouching time (about 1,650)
    tree_marks = 16  # an author that forges a key set or ticket set per fork: each is up to 66 KB at full spec
    set_writes = 8  # sets of each kind that go into flash in one epoch: forged marks would wear it out (flash_sets.py)
    scratch_writes = 8  # long headers that go into flash and lead to nothing, at once (long_header.py)
    scratch_refill_ms = 1_200_000  # and one more each so often
    held_headers = 16  # kept aside: their slot has not come, or no child names them yet; the oldest goes first
    fork_headers = 64  # headers of one fork, fetched from its head backwards; a longer fork comes in forwards
    equivocations = 64  # evidence kept; beyond it the oldest is dropped
    # A justification's votes are for one block as a rule. Each other one that is voted for, and each header that leads
    # from it down to the target, takes a row (justification.py).
    finality_targets = 16
    finality_headers = 64
    finality_timeout_ms = 30_000  # a peer that takes longer for a justification, while another one could be asked
    # Bytes a second of justifications, on average, but for blocks that change the set and what is asked for: each block
    # can have one, of 112 KB at full spec. One in a quarter of an hour is 11 MB a day then.
    finality_rate = 128
    warp_fragments = 32  # of one CE 153 answer: 5.7 MB at full spec, sent one by one

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
    inbound_peers = 64  # of max_peers, strangers that dialed us; the others are those that we chose
    reserved_peers = 0  # of max_peers, kept for peers that the user named
    socket_receive_bytes = 0  # of one socket, unread; 0 is the system's own number
    socket_send_bytes = 0
    unsent_bytes = 256 * 1024  # of all sockets, what peers that do not read keep the system from sending
    batch_ms = 10  # how long a small message may wait for others to share its frame
    batch_bytes = 1024  # and when so many wait, none does
    protocol_permille = 500  # of the stream chunks that one protocol of peers may hold, over all connections
    protocol_streams = 128  # streams of one protocol, over all connections
    shed_after_ms = 1_000  # buffers that are all lent for so long: the newest of the least urgent streams goes

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

    # a watch list (sync/watch.py)
    watch_items = 1024  # keys and ranges
    watch_nodes = 65_536  # of the trie, kept to tell what has changed: about two for each key of a range
    watch_bytes = 4 * 1024 * 1024  # of values beside, of which
    watch_value_bytes = 64 * 1024  # longer ones are proved, and not kept
    watch_flights = 32  # answers that are on their way at once, from all peers
    watch_answer_bytes = 128 * 1024  # of one of them, but for a single longer value
    served_watches = 8  # lists of peers that a gateway keeps for them; together they have the bounds above, once more
    served_watch_rate = 200  # exchanges with upstreams a second, that all of them cause

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
    finality_store_bytes = 1024 * 1024  # justifications that made blocks final here, for those who ask for one
    finality_relay_bytes = 16 * 1024 * 1024  # a longer justification, or answer to a warp, is not passed on
    relay_hops = 3  # gateways that a request may pass beyond the first: 7 at most
    relay_tries = 2  # gateways that are asked for the same, one after the other
    state_probe_ms = 15_000  # how often an upstream of which nothing is known is asked whether it serves state

    # times
    block_announce_timeout_ms = 60_000
    state_sync_timeout_ms = 10_000
    warp_timeout_ms = 60_000  # one fragment of a warp: at full spec 178 KB and, on a board, 2.3 G instructions
    epoch_interval_ms = 60_000  # between jumps where the chain is its own clock (sync/epochs.py)
    epoch_retry_ms = 30_000  # and where the one that was due is not final yet, or nobody shows it
    epoch_retry_max_ms = 900_000
    epoch_wait_slots = 5  # from the beginning of an epoch until its first block should be final
    epoch_jitter_permille = 50  # of an epoch, by chance: else all who sleep would come at once
    epoch_checkpoints = 96  # epochs until what jumps lead to is completed to a checkpoint: 4 days, it is good for 7
    transaction_timeout_ms = 10_000
    peer_retry_ms = 2_000
    peer_retry_max_ms = 60_000
    checkpoint_interval_ms = 10_000  # a store that is written on every header wears out
    stall_slots = 10  # without a new head, or that far behind the clock and not nearer: peers are changed (alarm.py)
    stall_least_ms = 10_000  # and no sooner, however short a chain's slots are: a busy machine is no stall
    skew_slots = 2  # heads that are announced later than that make the clock suspect

    # the journal of a host (chain/journal.py)
    journal_bytes = 512 * 1024  # of both its files; a chain of small sets takes 64 KiB
    journal_day_bytes = 16 * 1024 * 1024  # written in a day, in blocks of 4 KiB: what it lies on wears out
    journal_peers = 32  # peers remembered from the last run
    journal_peers_ms = 3_600_000  # how often they are written down

    # rates; 0 is no cap
    max_download_rate = 0  # bytes per second, on the wire, in every two seconds
    max_upload_rate = 0
    system_upload_rate = 0  # of it, left to what the system sends by itself: answers to floods (cli/board_rules.py)
    peer_download_rate = 0  # the same of one peer, on average
    peer_upload_rate = 0
    protocol_rate = 0  # and of one protocol of all peers
    burst_ms = 40  # of a rate, what may pass at once
    segment_bytes = 1448  # of TCP: what it carries on Ethernet
    segment_overhead_bytes = 66  # and what each costs beside: Ethernet 14, IPv4 20, TCP with timestamps 32

    # metered links: bytes per UTC day and month, both directions, on the wire; 0 is no cap
    day_bytes = 0
    month_bytes = 0
    allowance_quantum = 1024 * 1024  # written ahead as spent: a smaller one wears the store, a larger one is lost more
    cap_near_permille = 950  # of a cap: from here on only what is asked for is followed
    cap_clear_permille = 900  # and below this everything again
    idle_after_ms = 60_000  # without a question, where the user chose to sleep

    # CPU time: of one processor, for everything that the node does
    cpu_permille = 1000
    cpu_burst_ms = 100  # saved up at most while nothing was to be done

    def check(self) -> None:
        """LocalError (the user's) where these numbers contradict each other, or are more than `memory_bytes`."""
        from .check import check  # not on a board: its numbers are checked when its firmware is built

        check(self)


LINUX = Profile()
