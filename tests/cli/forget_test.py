"""What octet remembers of workspaces: where it lies, what doctor says about it, and how it is forgotten."""

import json
import unittest

from octet import FAILED, USAGE, CliTest, environment


class ForgetTest(CliTest):
    def setUp(self):
        super().setUp()
        self.cache = self.folder / "cache"
        self.env = environment(XDG_CACHE_HOME=self.cache)

    def stores(self):
        return sorted(self.cache.glob("octet/workspaces/*"))

    def workspace(self, name):
        """A folder that was completed in, so that it is remembered."""
        root = self.folder / name
        (root / ".git").mkdir(parents=True)
        (root / "src").mkdir()
        (root / "src/shape.py").write_text("def area(width, height):\n    return width * height\n")
        (root / "main.py").write_text("def ar")
        before = len(self.stores())
        self.complete(root / "main.py", "--at", "1:7", env=self.env)
        self.assertEqual(len(self.stores()), before + 1)
        return root

    def memory_in_doctor(self):
        report = json.loads(self.succeed("doctor", "--json", env=self.env))
        return next(check["detail"] for check in report["checks"] if check["name"] == "memory")

    def test_one_workspace_is_forgotten_and_the_others_stay(self):
        first, second = self.workspace("first"), self.workspace("second")
        text = self.succeed("forget", first, env=self.env)
        self.assertRegex(text, r"\Aforgot .*\n\Z")
        self.assertIn(str(first), text)
        self.assertEqual(len(self.stores()), 1)
        self.assertIn("nothing", self.succeed("forget", first, env=self.env))
        self.succeed("forget", second, env=self.env)
        self.assertEqual(self.stores(), [])

    def test_the_default_is_the_workspace_of_the_current_folder(self):
        root = self.workspace("first")
        self.assertIn(str(root), self.succeed("forget", cwd=root / "src", env=self.env))
        self.assertEqual(self.stores(), [])
        self.assertIn(str(self.folder), self.succeed("forget", cwd=self.folder, env=self.env))

    def test_a_workspace_that_is_gone_can_be_forgotten(self):
        root = self.workspace("first")
        root.rename(self.folder / "moved")
        self.assertRegex(self.succeed("forget", root, env=self.env), r"\Aforgot ")
        self.assertEqual(self.stores(), [])

    def test_a_relative_folder_is_one_of_the_current_folder(self):
        self.workspace("first")
        self.assertRegex(self.succeed("forget", "first/", cwd=self.folder, env=self.env), r"\Aforgot ")
        self.assertEqual(self.stores(), [])

    def test_all_of_them_are_forgotten_and_nothing_else(self):
        for name in ("first", "second", "third"):
            self.workspace(name)
        other = self.cache / "octet/workspaces/notes.txt"
        other.write_text("mine")
        self.assertIn("forgot 3 workspaces", self.succeed("forget", "--all", env=self.env))
        self.assertEqual(self.stores(), [other])
        self.assertIn("nothing", self.succeed("forget", "--all", env=self.env))

    def test_doctor_says_how_much_there_is_and_where(self):
        where = str(self.cache / "octet/workspaces")
        self.assertEqual(self.memory_in_doctor(), f"0 workspaces in 0.0 MB at {where}")
        self.workspace("first")
        self.assertEqual(self.memory_in_doctor(), f"1 workspace in 0.0 MB at {where}")
        (self.cache / "octet/workspaces/notes.txt").write_text("mine")
        large = self.stores()[0].with_name("0" * 32 + ".octmem")
        large.write_bytes(bytes(2_500_000))
        self.assertEqual(self.memory_in_doctor(), f"2 workspaces in 2.5 MB at {where}")

    def test_without_a_folder_for_it(self):
        env = environment(XDG_CACHE_HOME=None, HOME=None)
        self.refuse(FAILED, ["XDG_CACHE_HOME", "HOME"], "forget", env=env)
        self.refuse(FAILED, ["XDG_CACHE_HOME", "HOME"], "forget", "--all", env=env)
        report = json.loads(self.succeed("doctor", "--json", env=env))
        self.assertIn("not kept on the disk", report["checks"][-1]["detail"])

    def test_what_cannot_be_removed_is_a_failure(self):
        root = self.workspace("first")
        store = self.stores()[0]
        store.unlink()
        store.mkdir()
        self.refuse(FAILED, self.cache, "forget", root, env=self.env)
        self.refuse(FAILED, self.cache, "forget", "--all", env=self.env)

    def test_usage(self):
        self.refuse(USAGE, "--all", "forget", "--all", self.folder, env=self.env)
        self.refuse(USAGE, "another", "forget", self.folder, "another", env=self.env)


if __name__ == "__main__":
    unittest.main()
