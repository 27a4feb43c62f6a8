//! Texts that name a build machine or a Nix store, and texts that only look so.

use sayna_release::audit::{self, Rule};

use super::fixtures::Elf;

fn found(text: &'static [u8]) -> (Vec<String>, Vec<String>) {
    let facts = audit::facts(&Elf { text, ..Elf::default() }.build()).unwrap();
    let rules: Vec<Rule> = audit::findings(&facts, None).iter().map(|f| f.rule).collect();
    assert_eq!(rules.contains(&Rule::StorePath), !facts.store_paths.is_empty());
    assert_eq!(rules.contains(&Rule::BuildPath), !facts.build_paths.is_empty());
    (facts.store_paths.examples, facts.build_paths.examples)
}

#[test]
fn any_mention_of_a_nix_store_is_found() {
    let (store, _) = found(b"xx/nix/store/0abc-glibc-2.40/lib/libc.so.6:next");
    assert_eq!(store, ["/nix/store/0abc-glibc-2.40/lib/libc.so.6:next"]);
    assert_eq!(found(b"see /nix/store for more").0, ["/nix/store"]);
    assert!(found(b"/nix/var/log").0.is_empty());
}

#[test]
fn paths_of_build_machines_are_found() {
    let texts: [(&'static [u8], &str); 19] = [
        (b"at /home/ann/.cargo/registry/src/x/lib.rs", "/home/ann/.cargo/registry/src/x/lib.rs"),
        (b"\0/home/runner/work/a/b\0", "/home/runner/work/a/b"),
        (b"/root/.cargo/x.rs", "/root/.cargo/x.rs"),
        (b"\"/build/source/src/main.rs\"", "/build/source/src/main.rs"),
        (b"/nix/var/nix/builds/x-1/source", "/nix/var/nix/builds/x-1/source"),
        (b"/private/tmp/nix-build-x.drv-0/y", "/private/tmp/nix-build-x.drv-0/y"),
        (b"/Users/runner/work/x", "/Users/runner/work/x"),
        (b"PATH=/usr/bin:/home/ann/bin", "/home/ann/bin"),
        (b"D:\\a\\sayna\\sayna\\src\\main.rs", "D:\\a\\sayna\\sayna\\src\\main.rs"),
        (b"(C:\\Users\\runneradmin\\.cargo\\x.rs)", "C:\\Users\\runneradmin\\.cargo\\x.rs"),
        (b"/usr/local/cargo/registry/src/x/lib.rs", "/usr/local/cargo/registry/src/x/lib.rs"),
        (b"/builds/group/project/src/main.rs", "/builds/group/project/src/main.rs"),
        (b"/workspace/src/main.rs", "/workspace/src/main.rs"),
        (b"/__w/sayna/sayna/src/main.rs", "/__w/sayna/sayna/src/main.rs"),
        (b"at /github/workspace/x.c", "/github/workspace/x.c"),
        (b"value/usr/local/cargo/registry/src/a.rsnext", "/usr/local/cargo/registry/src/a.rs"),
        // Texts that touch: a source file's name, a flag, a message before a path that only Cargo makes.
        (b"src/lib.rs/home/ann/x/y.rs", "/home/ann/x/y.rs"),
        (b"-I/home/ann/include", "/home/ann/include"),
        (b"value/home/ann/.cargo/registry/a.rsnext", "/home/ann/.cargo/registry/a.rs"),
    ];
    for (text, path) in texts {
        assert_eq!(found(text).1, [path], "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn text_that_resembles_a_build_path_is_not_found() {
    let texts: [&'static [u8]; 17] = [
        b"/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/io/mod.rs",
        b"/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860\\library\\std\\src\\io\\mod.rs",
        b"/cargo/registry/src/serde/build/mod.rs",
        b"target/build/x",
        b"crates/home/src/lib.rs",
        b"https://example.org/home/ann/x",
        b"https://example.org/Users/ann/.cargo/x",
        b"file /home/ or /root/ or /build/",
        b"/home/ann",
        b"~/home/ann/x",
        b"{}/home/ann/x",
        b"/src/builder/x and /builds",
        b"workspace/didChangeConfiguration",
        b"https://gitlab.example/builds/4/x",
        b"/usr/local/cargo/bin",
        b"PID:\\a\\b",
        b"C:\\Windows\\System32",
    ];
    for text in texts {
        assert_eq!(found(text).1, Vec::<String>::new(), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn many_mentions_are_counted_and_few_are_kept() {
    let text: Vec<u8> = (0..5000).flat_map(|i| format!("/home/ann/x{i}\0").into_bytes()).collect();
    let facts = audit::facts(&Elf { text: text.leak(), ..Elf::default() }.build()).unwrap();
    assert_eq!((facts.build_paths.count, facts.build_paths.examples.len()), (5000, 10));
}

#[test]
fn a_file_that_wastes_time_with_doubtful_paths_is_not_let_off() {
    let facts = audit::facts(&Elf { text: b"a/root/b ".repeat(50_003).leak(), ..Elf::default() }.build()).unwrap();
    assert_eq!(facts.build_paths.count, 3);
}
