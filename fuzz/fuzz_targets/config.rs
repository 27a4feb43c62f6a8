//! `cargo fuzz run config`: no file, however made, makes the configuration parser panic, hang or contradict itself.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sayna::config::{Place, parse};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("sayna.yaml");
    match parse(bytes, path) {
        // An accepted configuration can be shown, without its secrets.
        Ok(loaded) => {
            for (path, value, _) in loaded.settings().filter(|(path, ..)| path.ends_with("_api_key")) {
                assert!(value.is_empty() || value == "(secret)", "{path}: {value}");
            }
        }
        // Errors are printable lines, in the order of the file.
        Err(faults) => {
            assert!(faults.to_string().chars().all(|c| c == '\n' || !c.is_control()));
            let positions = faults.iter().filter_map(|fault| match fault.place {
                Place::File(_, position) => Some(position),
                Place::Unset => None,
                Place::Environment(_) => unreachable!("the environment was not read"),
            });
            assert!(positions.is_sorted());
        }
    }
});
