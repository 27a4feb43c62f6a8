//! A release as one page: what is on it, that it is whole, and that a hostile release does nothing there.

use std::fs;
use std::path::Path;

use sayna_release::attest::{Subject, VerifiedStatement};
use sayna_release::digest::Digest;
use sayna_release::manifest::Manifest;
use sayna_release::page::{Links, render};
use sayna_release::verify::{Report, Row, Verdict};

use crate::fixture::{needs, plan};
use crate::notes::manifest;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::small_release::Release;
use crate::support::golden;

const TARGETS: [&str; 6] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "i686-pc-windows-msvc",
];

/// A manifest of two programs for six systems.
fn whole() -> Manifest {
    let mut manifest = manifest(&plan("1.2.3", 1, 2));
    let like = manifest.binaries.remove(0);
    for (product, asset, megabytes) in [("sayna", "sayna", 11), ("sayna-release", "verifier", 7)] {
        for (n, triple) in (0..).zip(TARGETS) {
            let ending = if triple.ends_with("msvc") { "zip" } else { "tar.gz" };
            let (mut entry, stem) = (like.clone(), format!("{asset}-1.2.3-{triple}"));
            entry.product = product.parse().unwrap();
            entry.target = triple.parse().unwrap();
            entry.needs = needs(&entry.target);
            for (file, name) in [
                (&mut entry.archive, format!("{stem}.{ending}")),
                (&mut entry.checksum, format!("{stem}.{ending}.sha256")),
                (&mut entry.sbom, format!("{stem}.cdx.json")),
            ] {
                file.digest = Digest::of(name.as_bytes());
                file.name = name.parse().unwrap();
            }
            entry.archive.size = megabytes * 1_000_000 + n * 123_456;
            manifest.binaries.push(entry);
        }
    }
    manifest
}

/// A report whose rows are all as `verdict` says.
fn report(verdicts: &[(&'static str, &'static str, Verdict, &str)]) -> Report {
    let manifest = whole();
    let row = |(n, (id, title, verdict, evidence)): (usize, &(&'static str, &'static str, Verdict, &str))| Row {
        number: n + 1,
        id,
        title,
        verdict: verdict.clone(),
        evidence: (*evidence).to_owned(),
    };
    let statement = |predicate: &'static str, workflow: &str, name: &str| VerifiedStatement {
        subjects: vec![Subject { name: name.to_owned(), digest: Digest::of(name.as_bytes()) }],
        predicate,
        workflow: format!("https://github.com/saynaai/sayna/.github/workflows/{workflow}@refs/tags/v1.2.3"),
        commit: manifest.commit.clone(),
        run: "https://github.com/saynaai/sayna/actions/runs/1234567890/attempts/1".to_owned(),
        signed: "2026-11-28T12:34:56Z".to_owned(),
    };
    let archive = manifest.binaries[0].archive.name.as_str();
    let attestations = vec![
        statement("https://slsa.dev/provenance/v1", "build.yml", archive),
        statement("https://cyclonedx.org/bom", "build.yml", archive),
        statement("https://slsa.dev/provenance/v1", "images.yml", "docker.io/saynaai/sayna"),
        statement("https://slsa.dev/provenance/v1", "release.yml", "sayna-1.2.3.release.json"),
    ];
    Report {
        tag: manifest.tag.clone(),
        forge: "github:saynaai/sayna".to_owned(),
        registries: vec!["docker://docker.io/saynaai/sayna".to_owned(), "docker://ghcr.io/saynaai/sayna".to_owned()],
        rows: verdicts.iter().enumerate().map(row).collect(),
        index: manifest.image.as_ref().map(|image| image.index),
        reproduced: None,
        attestations,
        manifest_digest: Some(Digest::of(&manifest.to_bytes().unwrap())),
        manifest: Some(manifest),
    }
}

const GOOD: [(&str, &str, Verdict, &str); 9] = [
    ("release", "the release is public", Verdict::Ok, "github:saynaai/sayna v1.2.3, stable, 42 assets, immutable"),
    (
        "manifest",
        "the manifest is whole and of this version",
        Verdict::Ok,
        "sayna-1.2.3.release.json: commit 0123456, 12 binaries",
    ),
    ("checksums", "every archive has a checksum that matches", Verdict::Ok, "sha256sum -c would say OK 12 times"),
    ("sums", "SHA256SUMS lists every file as it is", Verdict::Ok, "38 files, as the manifest gives them"),
    (
        "digests",
        "archives are the ones the manifest names",
        Verdict::Ok,
        "sha256:6a18f92c47818e84ee1c09406e1a6d1849ad2e3aef7df5df276ae0d8c7955b7f, sha256:4e0578dc2ff8087b9771101898e703fd333882b3c1715cc6dfe69c2c3516e4e0",
    ),
    ("attested", "attested by this project's workflows", Verdict::Ok, "39 files by 40 attestations"),
    ("runs", "binaries run and say this version", Verdict::NotHere, "x86_64-apple-darwin: not runnable here"),
    (
        "image",
        "the version tag is the index the manifest names",
        Verdict::Ok,
        "1.2.3 = sha256:5d969823f5bda74ae5b7d3237570d96be9173ef5aa8013ddd8efb7acffcc58b4",
    ),
    ("latest", "`latest` is right for this version", Verdict::Ok, "github:saynaai/sayna: 1.2.3"),
];

fn of(report: &Report) -> String {
    render(report, &Links::of(report, Path::new("release.html")))
}

/// The attributes and texts of a page, read by a strict reader of tags: each is closed by its own name, in order, and each
/// attribute is quoted.
fn read(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
    let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), page);
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>') || open.last() == Some(&"style"), "a bare > in {text:?}");
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {tag}");
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut list = Vec::new();
        while let Some((key, value)) = attributes.split_once("=\"") {
            let (value, more) = value.split_once('"').unwrap();
            list.push((key.trim().to_owned(), value.to_owned()));
            attributes = more;
        }
        assert!(attributes.trim().is_empty() || name == "!DOCTYPE", "{tag}");
        if !VOID.contains(&name) {
            open.push(name);
        }
        found.push((name.to_owned(), list));
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

/// Every address that something on the page leads to or loads.
fn addresses(page: &str) -> Vec<String> {
    let tags = read(page);
    let leads =
        |key: &str| matches!(key, "href" | "src" | "action" | "srcset" | "data" | "poster" | "formaction" | "style");
    let attributes = tags.into_iter().flat_map(|(_, attributes)| attributes);
    attributes.filter(|(key, _)| leads(key) || key.starts_with("on")).map(|(_, value)| value).collect()
}

#[test]
fn the_page_of_a_release_is_the_recorded_one() {
    golden("page.html", &of(&report(&GOOD)));
}

#[test]
fn the_page_is_whole_and_leads_to_the_releases_own_assets_alone() {
    let page = of(&report(&GOOD));
    let tags = read(&page);
    let headings = tags.iter().filter(|(name, _)| name.len() == 2 && name.starts_with('h') && name != "hr");
    let levels: Vec<u32> = headings.map(|(name, _)| name[1..].parse().unwrap()).collect();
    assert_eq!(levels[0], 1, "one title");
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1 && pair[1] > 1), "no level is skipped: {levels:?}");
    for (name, _) in &tags {
        assert!(!["script", "img", "iframe", "form", "object", "link", "base"].contains(&name.as_str()), "{name}");
    }
    let base = "https://github.com/saynaai/sayna/releases/download/v1.2.3/";
    let (own, inside): (Vec<String>, Vec<String>) = addresses(&page).into_iter().partition(|a| !a.starts_with('#'));
    assert_eq!(own.len(), 40, "archive, checksum and SBOM of twelve, manifest, its checksum, sums and attestations");
    assert!(own.iter().all(|address| address.starts_with(base)), "{own:?}");
    for anchor in inside {
        assert!(page.contains(&format!(" id=\"{}\"", &anchor[1..])), "{anchor}");
    }
    let manifest = whole();
    let sums = sayna_release::sums::text(&manifest, Digest::of(&manifest.to_bytes().unwrap()));
    assert!(sums.lines().count() == 38 && page.contains(&format!(">{sums}</pre>")), "the lines of SHA256SUMS: {sums}");
    for name in
        ["sayna-1.2.3.release.json", "sayna-1.2.3.release.json.sha256", "SHA256SUMS", "sayna-1.2.3.intoto.jsonl"]
    {
        assert!(own.contains(&format!("{base}{name}")), "{name}");
    }
    assert!(page.contains("<title>sayna 1.2.3, verified</title>"));
    let linux = page.find("Linux x86-64").unwrap();
    assert!(
        linux < page.find("<h3>sayna-release, the verifier</h3>").unwrap()
            && page.contains("glibc 2.34 or newer, libgcc")
    );
    for said in [manifest.commit.as_str(), "rustc 1.95.0", "docker.io/saynaai/sayna:1.2.3", "2026-11-28T12:34:56Z"] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn the_policy_of_the_page_allows_its_own_style_and_nothing_else() {
    let page = of(&report(&GOOD));
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let policy =
        format!("default-src &#39;none&#39;; style-src &#39;sha256-{}&#39;", Digest::of(style.as_bytes()).base64());
    let plain = policy.replace("&#39;", "'");
    assert!(page.contains(&policy) || page.contains(&plain), "{}", &page[..400]);
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains('<'));
}

#[test]
fn the_page_of_a_failed_verification_says_so_first_and_offers_nothing() {
    let mut rows = GOOD.to_vec();
    rows[2].2 = Verdict::Failed;
    rows[4].2 = Verdict::NotChecked { row: 3 };
    let page = of(&report(&rows));
    let body = page.split_once("<body>").unwrap().1;
    assert!(
        body.starts_with(
            "<header><div class=\"banner bad\" role=\"status\"><p><strong>Do not use this release.</strong>"
        ),
        "{body}"
    );
    assert!(
        body.contains("1 of 9 checks failed:</p><ul><li><a href=\"#row-3\">every archive has a checksum"),
        "{body}"
    );
    assert!(page.contains("<title>FAILED: sayna 1.2.3</title>"), "{page}");
    assert!(page.find("id=\"checklist\"").unwrap() < page.find("id=\"downloads\"").unwrap(), "what failed comes first");
    assert!(addresses(&page).iter().all(|address| address.starts_with('#')), "nothing to download");
    let mut unseen = GOOD.to_vec();
    unseen[7].2 = Verdict::NotSeen;
    let page = of(&report(&unseen));
    assert!(page.contains("<strong>Not every check could be made.</strong> 1 of 9 could not be made here:"), "{page}");
    assert!(page.contains("<title>sayna 1.2.3</title>"), "{page}");
    assert!(of(&report(&GOOD)).contains("<strong>Verified.</strong> 8 of 9 checks hold, and none fails."));
    let mut refused = GOOD.to_vec();
    refused[7].2 = Verdict::WouldRefuse;
    assert!(of(&report(&refused)).contains("<strong>A rehearsal.</strong> It holds, but 1 of 9 checks would refuse"));
}

#[test]
fn the_page_of_a_release_without_signatures_says_that_it_is_whole_and_no_more() {
    let mut rows = GOOD.to_vec();
    let row = rows.iter_mut().find(|row| row.0 == "attested").unwrap();
    (row.2, row.3) = (Verdict::NotHere, "no attestations: a rehearsal has none");
    let mut report = report(&rows);
    report.attestations.clear();
    let page = of(&report);
    assert!(page.contains("<title>sayna 1.2.3</title>") && !page.contains("Verified."), "{page}");
    assert!(
        page.contains("<div class=\"banner warn\" role=\"status\"><p><strong>Whole, but not signed.</strong> 7 of 9")
    );
    assert!(page.contains("<li><a href=\"#row-6\">attested by this project's workflows</a></li>"), "{page}");
    assert!(page.contains("v1.2.3/SHA256SUMS\"") && !page.contains("intoto.jsonl"), "{page}");
    report.rows.retain(|row| row.id != "attested");
    assert!(of(&report).contains("Whole, but not signed."));
}

#[test]
fn a_release_whose_manifest_cannot_be_read_has_a_page_too() {
    let mut report = report(&[("release", "the release is public", Verdict::Failed, "it is still a draft")]);
    (report.manifest, report.manifest_digest) = (None, None);
    report.attestations.clear();
    let page = of(&report);
    read(&page);
    assert!(page.contains("<h1>v1.2.3</h1>") && page.contains("it is still a draft"));
}

/// The report of a release whose every text is hostile.
fn hostile() -> Report {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)> ' `&lt; \u{202e}gnp.exe\u{2066} \u{1b}[2J\u{0}\r\n\u{feff}";
    let mut report = report(&GOOD);
    for row in &mut report.rows {
        row.evidence = evil.repeat(3);
    }
    report.rows[0].evidence = evil.repeat(10_000);
    for statement in &mut report.attestations {
        for text in [&mut statement.workflow, &mut statement.commit, &mut statement.run, &mut statement.signed] {
            evil.clone_into(text);
        }
        evil.clone_into(&mut statement.subjects[0].name);
    }
    let manifest = report.manifest.as_mut().unwrap();
    for text in [&mut manifest.name, &mut manifest.tag, &mut manifest.commit, &mut manifest.tree, &mut manifest.source]
    {
        evil.clone_into(text);
    }
    let image = manifest.image.as_mut().unwrap();
    (image.repositories, image.tag) = (vec![evil.to_owned()], evil.to_owned());
    for platform in &mut image.platforms {
        (platform.os, platform.arch) = (evil.to_owned(), evil.to_owned());
    }
    for entry in &mut manifest.binaries {
        entry.archive.name = "$(id)'&`x`;#.tar.gz".parse().unwrap();
        entry.needs.libraries = vec![evil.to_owned()];
    }
    (report.tag, report.forge) = (evil.to_owned(), format!("github:{evil}"));
    report.registries = vec![evil.to_owned()];
    report
}

#[test]
fn a_hostile_release_is_text_on_its_page_and_nothing_else() {
    let good: Vec<String> = read(&of(&report(&GOOD))).into_iter().map(|(name, _)| name).collect();
    for forge in [None, Some("javascript:alert(1)"), Some("github:a/b/../../c"), Some("dir:/etc"), Some("github:../x")]
    {
        let mut report = hostile();
        if let Some(forge) = forge {
            forge.clone_into(&mut report.forge);
        }
        let page = of(&report);
        for (name, attributes) in read(&page) {
            assert!(good.contains(&name), "{name}");
            assert!(attributes.iter().all(|(key, _)| !key.starts_with("on") && key != "style"), "{attributes:?}");
        }
        assert!(addresses(&page).iter().all(|address| address.starts_with('#')), "{:?}", addresses(&page));
        let hidden = |c: char| c != '\n' && sayna_release::shown::is_unsafe(c);
        assert!(!page.contains(hidden), "{:?}", page.find(hidden));
        assert!(page.contains("&lt;script&gt;") && page.contains("\\u{202e}gnp.exe"));
        assert!(page.len() < 400_000, "{}", page.len());
    }
}

#[test]
fn links_of_a_folder_are_relative_to_the_page_beside_it() {
    let mut report = report(&GOOD);
    report.forge = "dir:dist/re hearsal/forge".to_owned();
    let links = Links::of(&report, Path::new("dist/re hearsal/release.html"));
    assert_eq!(links, Links::Below("forge/published/v1.2.3/assets/".to_owned()));
    let links = Links::of(&report, Path::new("dist/release.html"));
    assert_eq!(links, Links::Below("re%20hearsal/forge/published/v1.2.3/assets/".to_owned()));
    assert_eq!(Links::of(&report, Path::new("elsewhere/release.html")), Links::None);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_page_of_a_published_release_leads_to_files_that_are_there() {
    let release = Release::attested();
    let report = release.verify();
    let file = release.folder.path().join("release.html");
    let page = render(&report, &Links::of(&report, &file));
    let links: Vec<String> = addresses(&page).into_iter().filter(|a| !a.starts_with('#')).collect();
    assert_eq!(links.len(), 7, "{links:?}");
    let sums = fs::read_to_string(release.folder.path().join("forge/published/v1.2.3/assets/SHA256SUMS")).unwrap();
    assert!(page.contains(&format!(">{sums}</pre>")), "{sums}");
    for link in links {
        assert!(fs::exists(release.folder.path().join(&link)).unwrap(), "{link}");
    }
    assert_eq!(page, render(&release.verify(), &Links::of(&report, &file)), "the same bytes for the same release");
    for row in &report.rows {
        assert!(page.contains(&format!("id=\"row-{}\"", row.number)), "{}", row.id);
    }
    assert!(page.contains("Provenance") && page.contains("build.yml@refs/tags/v1.2.3"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn verify_writes_the_page_whatever_the_result_is_and_says_where_it_cannot() {
    let release = Release::published();
    let folder = release.folder.path();
    let run = |html: &str, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.args([
            "verify",
            "--tag",
            "v1.2.3",
            "--forge",
            "dir:forge",
            "--registry",
            "oci:registry",
            "--html",
            html,
        ]);
        let output = command.args(more).current_dir(folder).env_remove("SAYNA_TRUSTED_ROOT").output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (status, said) = run("page.html", &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("the page of this release is page.html"), "{said}");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(
        page.contains("<strong>Whole, but not signed.</strong>")
            && page.contains("href=\"forge/published/v1.2.3/assets/sayna-1.2.3-x86_64")
    );
    assert_eq!(run("again.html", &["--json"]).0, Some(0));
    assert_eq!(fs::read_to_string(folder.join("again.html")).unwrap(), page);
    fs::write(folder.join("forge/published/v1.2.3/notes.md"), "<script>alert(1)</script>").unwrap();
    assert_eq!(run("page.html", &[]).0, Some(1));
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("Do not use this release.") && !page.contains("<script"), "{page}");
    let (status, said) = run("forge", &[]);
    assert!(status == Some(2) && said.contains("cannot write forge: it is there"), "{status:?} {said}");
    let (status, said) = run("page.html", &["sayna.tar.gz"]);
    assert!(status == Some(2) && said.contains("cannot be used with"), "{said}");
}
