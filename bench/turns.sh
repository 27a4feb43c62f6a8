#!/usr/bin/env bash
# turns.sh: when turns end by the timers alone, and by the model, on recordings whose turn ends are known
# (tests/data/turns.toml): how often a speaker is cut off, how many ends are missed, and how long after the last word the
# others are reported. The work is in tests/all/turns.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
SAYNA_TEST_MODELS=$(bash bench/models.sh)
SAYNA_TEST_SPEECH=$(bash bench/speech.sh)
export SAYNA_TEST_MODELS SAYNA_TEST_SPEECH
cargo test --quiet --locked -p sayna --features turn-detect --test all -- turns::turns_end_better --ignored --nocapture | grep '^|'
