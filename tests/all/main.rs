//! Tests of `sayna` from outside.
