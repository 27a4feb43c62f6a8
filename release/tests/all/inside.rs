//! The libraries inside a native input: its file of licences, and what becomes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sayna_release::licences::{self, Fault, Linked, libraries};
use sayna_release::table::{Native, Source};
use tempfile::TempDir;

use crate::support::graph::{Skeleton, crates_folder, native_with_licences, row};

/// SPDX's text, as a library would ship it: below who holds the copyright.
fn text_of(id: &str) -> String {
    format!("Copyright (c) 2026 Ada\n\n{}", spdx::license_id(id).unwrap().text())
}

/// A heading and a block, escaped as Python's `html.escape` does.
fn section(name: &str, text: &str) -> String {
    let pairs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;")];
    let escaped = pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(*from, to));
    format!("# {name}\n```\n{escaped}\n```\n\n")
}

fn folder(licences: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("LICENSE.md"), licences).unwrap();
    folder
}

fn third_party(native: &Native, licences: &str) -> Result<String, licences::Error> {
    let (skeleton, folder) = (Skeleton::new(), folder(licences));
    let linked = [Linked::read(native, Some(folder.path()))?];
    licences::third_party(skeleton.root(), &skeleton.graph(), &linked)
}

fn fault(text: &str) -> Fault {
    libraries(text.as_bytes()).unwrap_err()
}

#[test]
fn bundled_libraries_have_name_text_and_only_exact_licences() {
    let bsd = text_of("BSD-3-Clause").replace("copyright holder nor", "Ada & Sons nor").replace("1. ", " * ");
    let changed = bsd.replace("without modification", "without any modification");
    let listed = section("webrtc", &bsd) + &section("more", &(bsd.clone() + "\nNo evil.")) + &section("less", &changed);
    let listed = listed + &section("gnu", spdx::license_id("GPL-2.0-only").unwrap().text());
    let found = libraries(listed.as_bytes()).unwrap();
    let short: Vec<_> = found.iter().map(|l| (l.name.as_str(), l.licence)).collect();
    assert_eq!(short, [("webrtc", Some("BSD-3-Clause")), ("more", None), ("less", None), ("gnu", None)]);
    assert!(found[0].text.contains("Ada & Sons") && found[0].text.contains("\"AS IS\""), "{}", found[0].text);
    // Wrapped at another width, and as a comment of C.
    let wrapped = bsd.replace(' ', "\n * ");
    let comment = section("c", &format!(" * {}", bsd.replace('\n', "\n * ")));
    assert_eq!(libraries(comment.as_bytes()).unwrap()[0].licence, Some("BSD-3-Clause"));
    assert_eq!(libraries(section("w", &wrapped).as_bytes()).unwrap()[0].licence, Some("BSD-3-Clause"));
    // Terms of its own may stand where no blank line ends the notice.
    let joined = section("j", &bsd.replace("\n\nRedistribution and", "\nRedistribution and"));
    assert_eq!(libraries(joined.as_bytes()).unwrap()[0].licence, None);
}

#[test]
fn every_licence_of_spdx_is_itself_or_one_of_several_with_one_text() {
    let all = spdx::identifiers::LICENSES.iter().filter_map(|l| spdx::license_id(l.name));
    let (mut known, mut shared) = (0, BTreeSet::new());
    for id in all.filter(|id| !id.is_deprecated() && !id.text().trim().is_empty()) {
        match libraries(section("x", id.text()).as_bytes()).unwrap()[0].licence {
            Some(found) if found == id.name => known += 1,
            None => _ = shared.insert(id.name),
            Some(found) => panic!("{} is taken for {found}", id.name),
        }
    }
    assert!(known > 500 && shared.contains("GPL-3.0-or-later") && !shared.contains("MIT"), "{known} {shared:?}");
}

#[test]
fn a_file_of_another_form_is_refused_with_its_line() {
    assert_eq!(fault(""), Fault::NoLibrary);
    assert_eq!(fault("\n \n"), Fault::NoLibrary);
    assert_eq!(fault("Some text\n"), Fault::Outside { line: 1 });
    assert_eq!(fault("```\ntext\n```\n"), Fault::Outside { line: 1 });
    assert_eq!(fault("# a\n"), Fault::NoText { line: 1, name: "a".to_owned() });
    assert_eq!(fault("# a\n\n# b\n```\nx\n```\n"), Fault::NoText { line: 1, name: "a".to_owned() });
    assert_eq!(fault("# a\n```\n \n```\n"), Fault::NoText { line: 1, name: "a".to_owned() });
    assert_eq!(fault("\n# a\n```\nx\n"), Fault::Unclosed { line: 2, name: "a".to_owned() });
    let twice = section("a", "x") + &section("a", "y");
    assert_eq!(fault(&twice), Fault::Twice { line: 6, name: "a".to_owned() });
    assert_eq!(fault(&(section("a", "x") + "stray")), Fault::Outside { line: 6 });
    for name in ["", "a b", "\u{e9}", "a\u{1b}[2J", &"a".repeat(101)] {
        assert_eq!(fault(&section(name, "x")), Fault::Name { line: 1 }, "{name:?}");
    }
    assert_eq!(libraries(b"# a\n```\n\xff\n```\n").unwrap_err(), Fault::NotUtf8 { offset: 8 });
    assert_eq!(fault(&section("a", &"x".repeat(4_000_000))), Fault::Size);
    let many: String = (0..501).map(|n| section(&format!("l{n}"), "x")).collect();
    assert_eq!(fault(&many), Fault::Many);
}

#[test]
fn line_ends_of_windows_pages_and_controls_do_not_reach_the_text() {
    let listed =
        "\u{feff}# a\r\n```\r\nOne&#x27;s &amp;lt; \u{c}\r\n\u{1b}[31mred\u{202e}\ttab &copy; & &\r\n```\r\n\r\n";
    let found = libraries(listed.as_bytes()).unwrap();
    assert_eq!(found[0].text, "One's &lt;\n [31mred \ttab &copy; & &");
}

proptest! {
    #[test]
    fn what_was_written_in_this_form_is_read_again(
        listed in proptest::collection::btree_map("[a-z][a-z0-9_+:.-]{0,20}", "[ -~\u{e0}-\u{ff}]{0,40}[a-z&<>\"']", 1..8)
    ) {
        let text: String = listed.iter().map(|(name, text)| section(name, text)).collect();
        let read = libraries(text.as_bytes()).unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|l| (l.name.as_str(), l.text.as_str())).collect();
        let fences = listed.values().any(|text| text.trim_end() == "```");
        prop_assume!(!fences);
        prop_assert_eq!(read, listed.iter().map(|(n, t)| (n.as_str(), t.trim_end())).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_stop_the_reader_and_no_control_gets_through(
        lines in proptest::collection::vec(prop_oneof![
            Just("```".to_owned()), Just("# a".to_owned()), Just(String::new()), "# [a-c]", "\\PC{0,20}", "[\u{0}-\u{20}&;ltgamp]{0,12}"
        ], 0..30),
        end in proptest::collection::vec(any::<u8>(), 0..4)
    ) {
        let bytes = [lines.join("\n").as_bytes(), &end].concat();
        for library in libraries(&bytes).unwrap_or_default() {
            prop_assert!(!library.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}

#[test]
fn every_text_stands_in_third_party_licences_with_the_library_that_it_belongs_to() {
    let own = "Do as you like.";
    let listed = section("webrtc", &text_of("BSD-3-Clause")) + &section("tiny", own) + &section("other", own);
    let text = third_party(&native_with_licences(""), &listed).unwrap();
    let numbers = |name: &str| row(&text, name).split_once('[').unwrap().1.to_owned();
    assert!(row(&text, "libwebrtc 124").starts_with("libwebrtc 124: BSD-3-Clause AND MIT ["), "{text}");
    assert!(row(&text, "webrtc in libwebrtc 124").contains(": BSD-3-Clause ["), "{text}");
    assert!(row(&text, "tiny in libwebrtc 124").contains(": own text ["), "{text}");
    assert_eq!(numbers("tiny in libwebrtc 124"), numbers("other in libwebrtc 124"));
    assert_eq!(text.matches(own).count(), 1, "{text}");
    assert!(text.contains("] libwebrtc 124, tiny in libwebrtc 124, other in libwebrtc 124\n"), "{text}");
    assert!(text.contains("Copyright (c) 2026 Ada\n"), "the shipped text and not SPDX's");
}

#[test]
fn an_input_without_its_licences_is_refused_with_the_file_and_the_next_step() {
    let native = native_with_licences("");
    let empty = tempfile::tempdir().unwrap();
    let missing = Linked::read(&native, Some(empty.path())).unwrap_err();
    let path = empty.path().join("LICENSE.md");
    assert!(matches!(&missing, licences::Error::NotThere { path: found, .. } if *found == path), "{missing}");
    assert!(missing.to_string().contains("libwebrtc 124") && missing.hint().unwrap().contains("unpack"), "{missing}");
    let nowhere = Linked::read(&native, None).unwrap_err();
    assert!(nowhere.to_string().contains("SAYNA_TEST_NATIVE does not say"), "{nowhere}");
    assert!(nowhere.hint().unwrap().contains("set SAYNA_TEST_NATIVE"));
    let broken = third_party(&native, "# a\n").unwrap_err();
    assert!(broken.to_string().contains("LICENSE.md") && broken.to_string().contains("line 1: a has no text"));
    fs::create_dir(&path).unwrap();
    assert!(matches!(Linked::read(&native, Some(empty.path())), Err(licences::Error::File(_))));
}

#[test]
fn a_licence_is_refused_until_the_table_names_it() {
    let listed = section("webrtc", &text_of("BSD-3-Clause")) + &section("new", &text_of("ISC"));
    let error = third_party(&native_with_licences(""), &listed).unwrap_err();
    for part in ["new under ISC", "libwebrtc 124", "BSD-3-Clause AND MIT"] {
        assert!(error.to_string().contains(part), "{error} lacks {part}");
    }
    assert!(error.hint().unwrap().contains("add ISC"), "{error:?}");
}

#[test]
fn only_the_entry_that_says_so_may_have_more_than_deny_toml_allows() {
    let gnu = |more: &str| {
        let mut native = native_with_licences(more);
        native.licence = toml::Spanned::new(0..0, "BSD-3-Clause AND LGPL-2.1-or-later AND LicenseRef-own".to_owned());
        native
    };
    let listed = section("ffmpeg", "Both versions.");
    let error = third_party(&gnu(""), &listed).unwrap_err();
    assert!(matches!(error, licences::Error::InputRefused { .. }), "{error}");
    assert!(error.to_string().contains("deny.toml") && error.hint().unwrap().contains("`allow`"), "{error}");
    let half = third_party(&gnu("allow = [\"LGPL-2.1-or-later\"]\n"), &listed);
    assert!(matches!(half, Err(licences::Error::InputRefused { .. })));
    let text = third_party(&gnu("allow = [\"LGPL-2.1-or-later\", \"LicenseRef-own\"]\n"), &listed).unwrap();
    assert!(row(&text, "libwebrtc 124").contains("LGPL-2.1-or-later AND LicenseRef-own ["), "{text}");
    assert!(matches!(third_party(&gnu("allow = [\"Mine\"]\n"), &listed), Err(licences::Error::Policy { .. })));
}

mod full {
    use super::*;

    /// What `.ci/webrtc-symbols` finds in the wheels that link the pinned library.
    #[test]
    #[ignore = "needs the licences of LiveKit's wheels"]
    fn the_pinned_librarys_own_licences_are_read_and_are_those_of_the_table() {
        let folder = std::env::var_os("SAYNA_TEST_LICENCES").expect("SAYNA_TEST_LICENCES names no folder");
        let root = crates_folder();
        let table = Source::read(&root).unwrap().table;
        let native = table.native.iter().find(|native| native.has_licences()).unwrap();
        for architecture in ["x86_64", "aarch64"] {
            let linked = Linked::read(native, Some(&Path::new(&folder).join(architecture))).unwrap();
            let of = |name: &str| linked.libraries.iter().find(|library| library.name == name).map(|l| l.licence);
            assert_eq!((of("webrtc"), of("ffmpeg")), (Some(Some("BSD-3-Clause")), Some(None)), "{architecture}");
            assert!(linked.libraries.len() > 20, "{architecture}: {}", linked.libraries.len());
            let skeleton = Skeleton::new();
            fs::copy(root.join("deny.toml"), skeleton.root().join("deny.toml")).unwrap();
            let text =
                licences::third_party(skeleton.root(), &skeleton.graph(), std::slice::from_ref(&linked)).unwrap();
            assert!(text.contains("GNU LESSER GENERAL PUBLIC LICENSE") && text.contains("VideoLAN"), "{architecture}");
        }
    }
}
