"""What stands in the place of the node on a board with a radio: the wireless network, and then the node."""

import wifi  # noqa: F401, I001  (before the node, which does not return)
import _wired  # noqa: F401
