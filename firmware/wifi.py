"""What a board with a radio runs before its node: the wireless network, as a task beside the node's, and the console's
command for it. `main.py` of such a board imports this first."""

import asyncio

from jamliquor_lite.ports.micropython.wlan import Wlan


async def _run(wlan: "Wlan") -> None:
    from jamliquor_lite.console import wifi  # once the node has taken its memory
    from jamliquor_lite.ports import clock

    wifi.offer(wlan)
    await wlan.run(clock.ticks_ms)


def start() -> "Wlan | None":
    """The network, which joins as soon as the node's tasks run; None on a board without a radio."""
    import network

    from jamliquor_lite.errors import LocalError

    make = getattr(network, "WLAN", None)
    if make is None:
        return None
    wlan = Wlan(make(getattr(make, "IF_STA", 0)), reasons=network)
    try:
        wlan.load()
    except LocalError as error:
        print(error)
    asyncio.create_task(_run(wlan))
    return wlan


start()
