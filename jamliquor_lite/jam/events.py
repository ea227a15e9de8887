"""What `poll` of the cores in this folder can return. 0 says that nothing more can be done now.

Their details are attributes of the core and hold until its next `poll`. After DONE, REFUSED, LOST or an
exception the core has let go of its stream and takes the next `begin`.
"""

NOTHING = 0
MORE = 1  # a bounded unit of work was done and there may be more: poll again

# how an exchange ends
DONE = 2  # complete, both halves cleanly finished
REFUSED = 3  # the peer reset the stream: its right, and no fault of its
LOST = 4  # the connection beneath is gone

# block_body, block_request
HEADER = 5  # a block's header is complete
BLOCK = 6  # and now its body has gone by
PART = 14  # one of the first four parts of its body ends
REPORT = 15  # a work report begins, or ends

# block_request, header_request, block_announcement: in place of HEADER or ANNOUNCEMENT
LONG_HEADER = 16  # a header longer than its buffer has gone into the core's `sink`

# state_request
NODE = 7  # one boundary node
ENTRY = 8  # a key, and the length of its value
VALUE = 9  # a piece of that value

# difference_request, with ENTRY and VALUE
PLACE = 24  # what stands at the next place of the trie

# block_announcement
HANDSHAKE = 10
ANNOUNCEMENT = 11
ENDED = 12  # one of the two streams ended

# warp_request
FRAGMENTS = 17  # how many follow is known
FRAGMENT = 18  # one of them came, and is good

# the serving side
REQUEST = 13  # a request is complete and waits for its answer
