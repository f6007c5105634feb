"""Memory that runs out (R9): the process goes on, or ends by itself with code 1 and a reason.

OCTET_FAILING_MALLOC names the library of failing_malloc.cpp. OCTET_STRESS_ALLOCATIONS is how many places of each command are tried.
"""

import os
import random
import resource
import unittest

from octet_session import DONE, SESSION, TINY_MODELS, CliTest, check_answers, check_end, environment, run

N_PLACES = int(os.environ.get("OCTET_STRESS_ALLOCATIONS", 8))
MODEL = TINY_MODELS[0]


class FailedAllocationTest(CliTest):
    def run_with(self, command, first, count):
        return run(*command, stdin=SESSION, env=environment(
            OCTET_MODEL=MODEL, XDG_CACHE_HOME=self.folder, LD_PRELOAD=os.environ["OCTET_FAILING_MALLOC"], OCTET_FAIL_FIRST=first,
            OCTET_FAIL_COUNT=count, OCTET_COUNT_FILE=self.folder / "count"))

    def try_places(self, *command):
        result = self.run_with(command, 0, 0)
        self.assertEqual(result.returncode, DONE, result.stderr)
        n_allocations = int((self.folder / "count").read_text())
        self.assertGreater(n_allocations, 100, "the library counts")
        places = list(range(1, n_allocations + 1))
        if len(places) > N_PLACES:
            places = sorted(random.Random(n_allocations).sample(places, N_PLACES))
        for first in places:
            # One allocation, as when a large one fails; a few; and all from then on.
            for count in (1, 10, 10**9):
                with self.subTest(command=command, first=first, count=count):
                    check_end(self, self.run_with(command, first, count))

    def test_a_session_ends_by_itself_whichever_allocation_fails(self):
        self.try_places("lsp", "--stdio", "--threads", 2)

    def test_a_completion_ends_by_itself_whichever_allocation_fails(self):
        file, cursor = self.snippet()
        self.try_places("complete", file, "--at", cursor, "--json", "--workspace", "none")


class AddressSpaceTest(CliTest):
    def test_a_session_with_little_address_space_ends_by_itself(self):
        n_answered = 0
        for n_mib in (*range(16, 160, 8), 192, 256, 512, 4096):
            with self.subTest(n_mib=n_mib):
                result = run("lsp", "--stdio", stdin=SESSION, preexec_fn=lambda n=n_mib: resource.setrlimit(
                    resource.RLIMIT_AS, (n << 20, n << 20)))
                if result.returncode == 127:  # the loader's
                    self.assertIn(b"loading shared libraries", result.stderr)
                    continue
                check_end(self, result)
                n_answered += result.returncode == DONE
        self.assertGreater(n_answered, 0)
        check_answers(self, result)
