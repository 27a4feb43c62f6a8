#!/usr/bin/env bash
# turns.sh: compares the ends of turns by timers alone and by the model, on recordings with known ends (tests/data/turns.toml).
# Prints how often a speaker is cut off, how many ends are missed, and the delay of the others after the last word. The code is a
# test in tests/all.
set -euo pipefail
cd "$(dirname "$0")/.."
SAYNA_TEST_MODELS=$(bash bench/models.sh)
SAYNA_TEST_SPEECH=$(bash bench/speech.sh)
export SAYNA_TEST_MODELS SAYNA_TEST_SPEECH
cargo test --quiet --locked -p sayna --features turn-detect --test all -- turn_accuracy::turns_end_better --ignored --nocapture | grep '^|'
