"""A cache that forgets what was used least recently."""

from collections import OrderedDict


class LruCache:
    """Maps keys to values and holds at most `capacity` of them."""

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError("capacity must be at least 1, found %d" % capacity)
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self.items = OrderedDict()

    def get(self, key, default=None):
        if key not in self.items:
            self.misses += 1
            return default
        self.hits += 1
        self.items.move_to_end(key)
        return self.items[key]

    def put(self, key, value):
        if key in self.items:
            self.items.move_to_end(key)
        self.items[key] = value
        if len(self.items) > self.capacity:
            self.items.popitem(last=False)

    def hit_rate(self):
        total = self.hits + self.misses
        return self.hits / total if total else 0.0

    def __len__(self):
        return len(self.items)

    def __contains__(self, key):
        return key in self.items
