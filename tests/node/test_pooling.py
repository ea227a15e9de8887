"""One connection per peer serves everything on the lite network: following, questions, identify and ping."""

import asyncio

from jamliquor_lite.chain.levels import SEALED
from jamliquor_lite.chain.state_key import chapter, service_account
from jamliquor_lite.ports import clock
from tests.node.world import World, chain_of

SLOT = chapter(11)


def test_following_questions_identify_and_ping_share_one_connection():
    async def main():
        chain = chain_of(20)
        async with World(chain, "honest", network="libp2p") as world:
            carrier, (server,) = world.node.carriers[0], world.servers
            (record,) = world.node.peers.records
            seen = set()

            def note():
                seen.update(id(connection) for connection in carrier.connections + server.carriers[0].connections)

            await world.caught_up()
            connection = record.link.connection
            note()
            for key in (SLOT, service_account(1)):
                assert (await world.ask(key, level=SEALED)).entries
                note()
            now = clock.ticks_ms()
            services = carrier.services(connection)
            assert services.ask_identity(carrier, connection, now)
            assert services.send_ping(carrier, connection, bytes(32), now)
            await world.until(lambda: services.info is not None and services.rtt_ms >= 0)
            note()
            for block in chain.advance(3):
                server.announce(block)
            await world.caught_up()
            note()
            assert len(seen) == 2, "each side has seen one connection"
            # Whoever wants one to this peer gets the one that stands.
            assert carrier.dial(record, now) is carrier.dial_for_state(record, now) is connection
            assert world.node.state_connection(record, now) is connection
            assert len(carrier.connections) == 1 == len(server.carriers[0].connections)

    asyncio.run(main())


