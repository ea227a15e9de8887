"""What work and traffic are for, the most urgent first, and how the classes share what there is.

Queues, buckets and quanta are asked in this order. The weights are promises (shares.py): of a rate, each class gets
`WEIGHTS[class]` parts of their sum whenever it wants them, and the rest goes to the most urgent that asks. Own
finality and headers come first because a node that lags answers nothing; strangers that have not said who they are
come last, but never never.
"""

from ..const import const

FINALITY = const(0)
HEADERS = const(1)
QUERIES = const(2)  # our own questions
SERVING = const(3)  # what peers ask of us
GOSSIP = const(4)
HANDSHAKES = const(5)  # connections that have not proved who they are
COUNT = const(6)

NAMES = ("finality", "headers", "queries", "serving", "gossip", "handshakes")
WEIGHTS = (8, 8, 6, 4, 4, 2)
