#!/usr/bin/env bash
# cold.sh REV: compares the first minutes of a new user at HEAD with those at REV. Clones both, fetches the crates, then runs the
# README's two commands in each clone, cold, one after the other. Prints per step: wall and processor seconds, the largest process,
# compiled units, and HEAD's share of REV's. `--twice` is the rehearsal with its second build. A REV before that flag builds twice
# by default and once with `--once`. Takes an hour on two cores, on which nothing else should run. STEPS (default: tool verdict
# twice test) selects steps.
set -euo pipefail
[ $# = 1 ] || { echo "cold: usage: cold.sh REV" >&2; exit 2; }
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for side in before after; do
  revision=$1
  [ $side = before ] || revision=HEAD
  git clone --quiet --no-checkout . "$work/$side/sayna"
  git -C "$work/$side/sayna" checkout --quiet "$(git rev-parse --verify "$revision^{commit}")"
  cargo fetch --locked --quiet --manifest-path "$work/$side/sayna/Cargo.toml"
done
env -u CARGO_TARGET_DIR -u SAYNA_MODELS_PATH python3 - "$work" "${STEPS:-tool verdict twice test}" <<'PY'
import os, pathlib, subprocess, sys, time

work, steps = pathlib.Path(sys.argv[1]), sys.argv[2].split()
REHEARSE = ["cargo", "run", "-p", "sayna-release", "--", "rehearse"]


def command(step, root):
    once = "--once" in (root / "release/src/rehearse.rs").read_text() + (root / "release/src/cli/args.rs").read_text()
    return {
        "tool": ["cargo", "build", "-p", "sayna-release"],
        "verdict": REHEARSE + (["--once"] if once else []),
        "twice": REHEARSE + ([] if once else ["--twice"]),
        "test": ["cargo", "test", "--workspace"],
    }[step]


def units(root):
    return sum(len(list(folder.iterdir())) for folder in (root / "target").glob("**/.fingerprint")) if (root / "target").exists() else 0


def run(step, root):
    before, begun = units(root), time.monotonic()
    with open(work / "log", "wb") as log:
        child = subprocess.Popen(command(step, root), cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"cold: {' '.join(command(step, root))} in {root} failed:\n{(work / 'log').read_text(errors='replace')[-4000:]}")
    return {
        "wall": time.monotonic() - begun,
        "processor": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
        "units": units(root) - before,
    }


sides = {}
for side in ["before", "after"]:
    root = work / side / "sayna"
    sides[side] = {}
    for step in steps:
        sides[side][step] = found = run(step, root)
        print(f"cold: {side} {step}: {found['wall']:.0f} s", file=sys.stderr, flush=True)
    program = root / "target/debug/sayna-release"
    if program.exists():
        sides[side]["size"] = program.stat().st_size / 1e6

print(f"{'':22}{'before':>10}{'after':>10}{'ratio':>8}")


def row(name, before, after):
    print(f"{name:22}{before:10.1f}{after:10.1f}{after / before if before else 0:8.2f}")


for step in steps:
    for key, unit in [("wall", "s"), ("processor", "s"), ("peak", "MB"), ("units", "")]:
        row(f"{step} {key} {unit}", sides["before"][step][key], sides["after"][step][key])
if {"tool", "verdict"} <= set(steps):
    # The waiting time of a new user for the README's first command.
    both = lambda side, key: sides[side]["tool"][key] + sides[side]["verdict"][key]
    row("first verdict wall s", both("before", "wall"), both("after", "wall"))
if "size" in sides["before"] and "size" in sides["after"]:
    row("sayna-release MB", sides["before"]["size"], sides["after"]["size"])
PY
