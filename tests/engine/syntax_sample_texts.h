// Code of the languages that this repository has no file of.
#pragma once

namespace octet::tests {

inline constexpr const char* kJava = R"(package demo;

import java.util.*;

/** Counts words. */
public final class Words<T extends Comparable<T>> implements Iterable<T> {
  private final Map<String, Integer> counts = new HashMap<>();
  private static final char QUOTE = '"';

  @Override
  public Iterator<T> iterator() { return List.<T>of().iterator(); }

  // One more.
  public void add(String word) {
    if (word == null || word.isEmpty()) throw new IllegalArgumentException("no word: \"" + word + QUOTE);
    counts.merge(word.toLowerCase(), 1, (a, b) -> a + b);
    for (int i = 0; i < word.length(); ++i) {
      switch (word.charAt(i)) {
        case 'a': break;
        default: continue;
      }
    }
  }
}
)";

inline constexpr const char* kTsx = R"(import * as React from "react";

interface Props<T> {
  items: T[];
  render?: (item: T) => React.ReactNode;
}

/* A list. */
export function List<T extends { id: string }>({ items, render }: Props<T>) {
  const [open, setOpen] = React.useState<boolean>(false);
  // Nothing to show.
  if (items.length === 0) return null;
  return (
    <ul className={`list ${open ? "open" : "closed"}`} onClick={() => setOpen(!open)}>
      {items.map((item) => (
        <li key={item.id}>It is {render?.(item) ?? item.id}</li>
      ))}
      <br />
    </ul>
  );
}
)";

inline constexpr const char* kBash = R"sh(#!/usr/bin/env bash
# Keeps the newest backups of a folder and removes the others.
set -euo pipefail
readonly KEPT=${KEPT:-7} STAMP=$(date +%Y-%m-%d)
declare -A sizes=([small]=10 [large]=2000)

die() { printf 'backup: %s\n' "$*" >&2; exit 1; }

usage() {
  cat <<EOF
usage: $0 [-n] FOLDER   (keeps $KEPT)
EOF
}

# Says what it does; does nothing under -n.
run() { # command...
  echo "+ $*"
  [ "$dry" = yes ] || "$@"
}

prune() {
  local all=() old
  mapfile -t all < <(ls -1t "$1"/*.tar.gz 2>/dev/null || true)
  for ((i = KEPT; i < ${#all[@]}; i++)); do
    old="${all[$i]##*/}"
    run rm -f -- "$1/$old" && echo "removed ${old%.tar.gz}"
  done
}

dry=no
while getopts nh option; do
  case "$option" in
    n) dry=yes ;;
    h | '?') usage; exit 0 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || { usage >&2; exit 2; }

if [[ ! -d "$1" && "$dry" != yes ]]; then
  die "no folder $1"
elif (( ${sizes[large]} > 100 )); then
  run tar -czf "$1/$STAMP.tar.gz" --exclude='*.tmp' "$1" | tee -a log.txt
fi
prune "$1"
)sh";

}  // namespace octet::tests
