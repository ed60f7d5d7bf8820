"""
How the tests run programs of other authors: nothing is left of them.
"""

from __future__ import annotations

from tests.integration.programs import find, missing
from tests.integration.support import NetworkTestCase


class ProgramTests(NetworkTestCase):
    """Processes of a shell."""

    if (reason := missing("sh", "sleep")) is not None:
        skip = reason

    async def test_leftBehind(self) -> None:
        """
        What a program has started ends with it, even where it does not want to.  It
        still holds the output, so that without this there would be no end.
        """
        program = self.startProgram(
            find("sh"), "-c", "(trap '' TERM; echo started; exec sleep 1000) & wait"
        )
        await program.said("started")
        await program.terminate()

    async def test_unsaid(self) -> None:
        """
        Who waits for an output that does not come learns it when the program ends.
        """
        program = self.startProgram(find("sh"), "-c", "echo something; exit 3")
        with self.assertRaises(AssertionError) as caught:
            await program.said("anything")
        self.assertIn("something", str(caught.exception))
        self.assertEqual(await program.ended, 3)

    async def test_given(self) -> None:
        """
        A program gets its input and gives its output, which has both its outputs.
        """
        printed = await self.runProgram(
            find("sh"), "-c", "cat; echo two >&2", given=b"one\n"
        )
        self.assertEqual(printed, "one\ntwo\n")
