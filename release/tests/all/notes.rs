//! The text of a release: what stands below the changelog, as another reader of Markdown sees it.

use std::fs;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use sayna_release::forge::Forge as _;
use sayna_release::image::ImageIndex;
use sayna_release::manifest::Manifest;
use sayna_release::notes::{self, MARKER, escape};
use sayna_release::part::Part;
use sayna_release::plan::Plan;
use sayna_release::publish::Parts;
use sayna_release::shown::on_one_line;

use crate::fixture::{plan, write_parts};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::small_release::Release;

/// The manifest of a release of small files.
pub(crate) fn manifest(plan: &Plan) -> Manifest {
    let folder = tempfile::tempdir().unwrap();
    write_parts(plan, folder.path(), "");
    let parts = Parts::read(plan, folder.path(), None).unwrap();
    let index: Option<ImageIndex> = parts.index(plan);
    parts.manifest(plan, None, index.as_ref())
}

/// The cells of every table in a text, row by row, as another program reads them.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut cell = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => rows.last_mut().unwrap().extend(cell.take()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(cell) = &mut cell {
                    cell.push_str(&text);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => assert!(html.starts_with("<!-- sayna-release"), "{html}"),
            _ => {}
        }
    }
    rows
}

fn links(text: &str) -> Vec<String> {
    let link =
        |event| if let Event::Start(Tag::Link { dest_url, .. }) = event { Some(dest_url.into_string()) } else { None };
    Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(link).collect()
}

#[test]
fn notes_list_every_download_with_system_needs_and_size() {
    let plan = plan("1.2.3", 3, 2);
    let manifest = manifest(&plan);
    let text = notes::text(&plan.notes, &manifest);
    assert!(text.starts_with("## 1.2.3\n\n- something\n\n<!-- sayna-release"), "{text}");
    let rows = rows(&text);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0], ["system", "file", "needs", "size"]);
    assert_eq!(
        rows[1],
        ["Linux x86-64", "sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz", "glibc 2.34 or newer, libgcc", "2 kB"]
    );
    assert_eq!(rows[2][0], "Linux ARM64");
    assert_eq!(rows[3][0..3], ["Windows 64-bit", plan.targets[2].archive.as_str(), "Windows 10 or newer"]);
    let base = "https://github.com/saynaai/sayna/releases/download/v1.2.3";
    let page = "https://github.com/saynaai/sayna/blob/v1.2.3/docs/verify/verifying.md".to_owned();
    assert!(crate::support::project_file("docs/verify/verifying.md").contains("\n## Download the verifier\n"));
    let archives = plan.targets.iter().map(|t| format!("{base}/{}", t.archive));
    let expected: Vec<String> = archives.chain([page]).collect();
    assert_eq!(links(&text), expected);
    let index = manifest.image.as_ref().unwrap().index;
    assert!(text.contains("* `docker.io/saynaai/sayna:1.2.3`\n"), "{text}");
    assert!(text.contains(&format!("For `linux/amd64` and `linux/arm64`, by digest `{index}`.")), "{text}");
    let archive = &plan.targets[0].archive;
    for command in [
        "sayna-release verify --tag v1.2.3\n".to_owned(),
        format!(
            "gh attestation verify {archive} --repo saynaai/sayna --deny-self-hosted-runners --cert-identity https://github.com/saynaai/sayna/.github/workflows/build.yml@refs/tags/v1.2.3\n"
        ),
        "sha256sum -c --ignore-missing SHA256SUMS\n".to_owned(),
    ] {
        assert!(text.contains(&format!("\n{command}")), "{command}{text}");
    }
}

#[test]
fn notes_list_every_program_in_a_table_of_its_own_the_server_first() {
    let mut manifest = manifest(&plan("1.2.3", 2, 0));
    let mut other = manifest.binaries.clone();
    for entry in &mut other {
        entry.product = "sayna-release".parse().unwrap();
        entry.archive.name = entry.archive.name.replace("sayna-", "tool-").parse().unwrap();
        entry.needs.libraries.clear();
        entry.needs.system = sayna_release::table::Floor::default();
    }
    manifest.binaries.splice(0..0, other);
    let text = notes::text("", &manifest);
    let rows = rows(&text);
    let files: Vec<&str> = rows.iter().map(|row| row[1].split('-').next().unwrap()).collect();
    assert_eq!(files, ["file", "sayna", "sayna", "file", "tool", "tool"]);
    assert_eq!(rows[5][2], "nothing else");
    assert!(text.contains("\n\nAnd the verifier, `sayna-release`:\n\n| system"), "{text}");
    assert!(text.contains("gh attestation verify sayna-1.2.3-x86_64"), "the server's archive: {text}");
}

#[test]
fn notes_without_an_image_say_what_a_later_one_is_tied_by() {
    let text = notes::text("", &manifest(&plan("1.2.3", 1, 0)));
    assert!(text.contains("The manifest names no image.") && text.contains("gets the tag `1.2.3`"), "{text}");
    assert!(notes::split(&text).is_some_and(|(changelog, below)| changelog.is_empty() && below.starts_with('\n')));
}

#[test]
fn notes_of_a_source_elsewhere_have_no_links_and_no_command_of_github() {
    let mut manifest = manifest(&plan("1.2.3", 1, 0));
    for source in
        ["https://example.org/a/b", "javascript:alert(1)", "https://github.com/a/b/c", "https://github.com/a/b)", ""]
    {
        source.clone_into(&mut manifest.source);
        let text = notes::text("", &manifest);
        assert_eq!((links(&text), rows(&text).len()), (vec![], 2), "{source}");
        assert!(!text.contains("gh attestation"), "{text}");
    }
}

#[test]
fn hostile_names_of_a_manifest_stay_in_their_cells() {
    let mut manifest = manifest(&plan("1.2.3", 2, 1));
    let names = ["a`b~~c~~[d](e)!f&lt;g_i_#j.tar.gz", "$(touch x);'&'`id`.tar.gz"];
    for (entry, name) in manifest.binaries.iter_mut().zip(names) {
        entry.archive.name = name.parse().unwrap();
        entry.needs.libraries = vec!["a | b <script>alert(1)</script>\n\n# c\u{202e}\u{1b}[2J".to_owned()];
    }
    manifest.image.as_mut().unwrap().repositories = vec!["`` a ` b\n# c".to_owned()];
    let text = notes::text("", &manifest);
    let rows = rows(&text);
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == 4), "{rows:#?}");
    for (row, name) in rows[1..].iter().zip(names) {
        assert_eq!(row[1], name);
        assert_eq!(row[2], "glibc 2.34 or newer, a | b <script>alert(1)</script>\\n\\n# c\\u{202e}\\u{1b}[2J");
    }
    assert!(text.contains("gh attestation verify 'a`b~~c~~[d](e)!f&lt;g_i_#j.tar.gz' --repo"), "{text}");
    let headings = Parser::new(&text).filter(|e| matches!(e, Event::Start(Tag::Heading { .. }))).count();
    assert_eq!(headings, 3, "Downloads, Image, Verify: {text}");
    assert_eq!(text.matches(MARKER).count(), 1);
}

proptest! {
    #[test]
    fn any_text_is_one_cell_and_reads_the_same(text in "\\PC{0,40}") {
        let table = format!("| a | b |\n| --- | --- |\n| x{}x | y |\n", escape::cell(&text));
        let rows = rows(&table);
        prop_assert_eq!(rows.len(), 2);
        prop_assert_eq!(&rows[1], &vec![format!("x{}x", on_one_line(&text)), "y".to_owned()]);
    }

    #[test]
    fn any_text_is_one_code_span(text in "\\PC{0,40}") {
        let span = format!("x {} y", escape::code(&text));
        let read: Vec<String> = Parser::new(&span)
            .filter_map(|e| if let Event::Code(code) = e { Some(code.into_string()) } else { None })
            .collect();
        if !text.trim_matches(' ').is_empty() {
            prop_assert_eq!(read, vec![on_one_line(&text).into_owned()]);
        }
    }
}

#[test]
fn a_long_changelog_is_cut_so_that_the_table_below_it_is_whole() {
    let plan = plan("1.2.3", 3, 2);
    let manifest = manifest(&plan);
    let below = notes::below(&manifest);
    let of = |length: usize| "- word\n".repeat(length / 7);
    for length in [10_000, 124_000, 125_000, 500_000] {
        let changelog = of(length);
        let text = notes::text(&changelog, &manifest);
        assert!(text.chars().count() <= 125_000 && text.ends_with(&below), "{length}");
        let (above, rest) = notes::split(&text).unwrap();
        assert_eq!((above, rest), (notes::changelog(&changelog, &manifest).as_str(), below.as_str()));
        assert_eq!(above == changelog, length <= 120_000, "{length}");
        assert_eq!(sayna_release::changelog::is_cut(above), length > 120_000);
    }
    let mut other = plan;
    other.notes = of(500_000);
    let manifest = self::manifest(&other);
    let digest = sayna_release::digest::Digest::of(notes::changelog(&other.notes, &manifest).as_bytes());
    assert_eq!(manifest.notes, digest, "the manifest records what the release has");
}

#[test]
fn a_changelog_that_holds_the_line_itself_changes_nothing() {
    let manifest = manifest(&plan("1.2.3", 1, 0));
    let changelog = format!("## 1.2.3\n\n{MARKER}\n\nmore\n");
    let text = notes::text(&changelog, &manifest);
    assert_eq!(notes::split(&text), Some((changelog.as_str(), notes::below(&manifest).as_str())));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_edited_text_is_reported_with_its_first_difference_and_publishing_again_leaves_it() {
    let release = Release::published();
    let path = release.folder.path().join("forge/published/v1.2.3/notes.md");
    let good = fs::read_to_string(&path).unwrap();
    let evidence = |text: &str| {
        fs::write(&path, text).unwrap();
        [release.verify(), release.verify_as_a_stranger()].map(|report| {
            let row = report.rows.into_iter().find(|row| row.id == "notes").unwrap();
            (row.verdict == sayna_release::verify::Verdict::Ok, row.evidence)
        })
    };
    assert!(evidence(&good).iter().all(|(holds, _)| *holds));
    // As a forge's form for editing leaves it.
    assert!(evidence(&good.replace('\n', "\r\n")).iter().all(|(holds, _)| *holds));
    let number = 1 + good.lines().position(|line| line.starts_with("| Linux")).unwrap();
    for (holds, why) in evidence(&good.replace("glibc 2.", "glibc 1.")) {
        assert!(!holds && why.contains(&format!("line {number} is \"…")) && why.contains("| glibc 1."), "{why}");
    }
    for (holds, why) in evidence(&format!("> Do not.\n\n{good}One more.\n")) {
        let last = good.lines().count() + 3;
        assert!(!holds && why.contains(&format!("line {last} is too much: \"One more.\"")), "{why}");
    }
    for (holds, why) in evidence(&good.replace(MARKER, "")) {
        assert!(!holds && why.contains(MARKER), "{why}");
    }
    let [(_, here), (_, stranger)] = evidence(&good.replace("- something", "- anything"));
    assert!(here.contains("line 3 is \"- anything\", expected \"- something\""), "{here}");
    assert_eq!(stranger, "the changelog differs from what the manifest recorded");
    let outcome = release.publish();
    assert!(outcome.complete() && outcome.tracks.iter().all(|t| t.actions.is_empty()), "{outcome:?}");
    assert!(release.forge().releases("v1.2.3").unwrap()[0].notes.contains("- anything"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_manifest_with_other_needs_than_the_executable_has_fails_the_audit() {
    let release = Release::unpublished();
    let out = release.folder.path().join("dist").join(release.plan.targets[0].triple.as_str());
    let Some(Part::Binary(mut part)) = Part::read(&out).unwrap() else { panic!("no part") };
    part.needs.system.glibc = Some("2.2".to_owned().try_into().unwrap());
    Part::Binary(part).write(&out).unwrap();
    assert!(release.publish().complete());
    let report = release.verify();
    let failed: Vec<_> = report.rows.iter().filter(|r| r.verdict == sayna_release::verify::Verdict::Failed).collect();
    assert!(
        matches!(failed.as_slice(), [row] if row.id == "audit" && row.evidence.contains("\"glibc\":\"2.2\"")),
        "{failed:#?}"
    );
}
