//! The rows of the checklist, in order, with what each needs.

use super::{
    Context, Outcome, Request, assets, attested, binaries, crates, image, itself, latest, rebuilt, referrers, stated,
};

/// One row: what it claims, on which rows it rests, and how it is checked.
pub(super) struct Check {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) needs: &'static [&'static str],
    pub(super) wanted: fn(&Request<'_>) -> bool,
    pub(super) run: fn(&mut Context<'_>) -> Outcome,
}

const fn always(_: &Request<'_>) -> bool {
    true
}

fn reproducing(request: &Request<'_>) -> bool {
    request.reproduce.is_some()
}

macro_rules! row {
    ($id:literal, $title:literal, $needs:expr, $run:path) => {
        row!($id, $title, $needs, $run, always)
    };
    ($id:literal, $title:literal, $needs:expr, $run:path, $wanted:path) => {
        Check { id: $id, title: $title, needs: &$needs, wanted: $wanted, run: $run }
    };
}

/// The row that runs first, on which all others rest.
pub(super) const RELEASE: Check = row!("release", "the release is public", [], assets::release);

/// Whether a row rests on another one: it needs that row, or a row that does. Each row rests on itself.
pub(super) fn rests_on(check: &Check, row: &str) -> bool {
    let needed = |id: &str| ROWS.iter().find(|check| check.id == id).is_some_and(|check| rests_on(check, row));
    check.id == row || check.needs.iter().any(|id| needed(id))
}

pub(super) const ROWS: &[Check] = &[
    RELEASE,
    row!("manifest", "the manifest is whole and of this version", ["release"], assets::manifest),
    row!("attached", "every planned file is attached", ["manifest"], assets::attached),
    row!("nothing-else", "nothing unplanned is attached", ["manifest"], assets::nothing_else),
    row!("checksums", "every archive has a checksum that matches", ["attached"], assets::checksums),
    row!("sums", "SHA256SUMS lists every file as it is", ["attached"], assets::sums),
    row!("digests", "archives are the ones the manifest names", ["checksums"], assets::digests),
    row!("contents", "archives hold what was planned", ["digests"], binaries::contents),
    row!("audit", "binaries fit their floor", ["contents"], binaries::audit),
    row!("sbom", "SBOMs are those of these binaries", ["attached"], assets::sboms),
    row!("crates", "executables list the crates of their SBOMs", ["contents", "sbom"], crates::crates),
    row!("attested", "attested by this project's workflows", ["digests", "sbom"], attested::attested),
    row!("stated", "GitHub states this tag and these assets", ["nothing-else", "attested"], stated::stated),
    row!("program", "this program is the release's own", ["attested"], itself::itself),
    // Nothing is executed before it is known who built it.
    row!("runs", "binaries run and say this version", ["contents", "attested"], binaries::runs),
    row!("notes", "the notes are the changelog's", ["manifest"], assets::notes),
    row!("image", "the version tag is the index the manifest names", ["manifest"], image::tag),
    row!("platforms", "every planned platform is in the index", ["image"], image::platforms),
    row!("layers", "every layer has its digest", ["platforms"], image::layers),
    row!("origin", "the image is this commit's, and starts the archive's executable", ["layers"], image::origin),
    row!("referrers", "the registries say who built the image", ["image", "attested"], referrers::referrers),
    row!("rebuilt", "rebuilt elsewhere with the same bytes", ["digests", "referrers"], rebuilt::rebuilt),
    row!("latest", "`latest` is right for this version", ["release", "image"], latest::latest),
    row!("reproduced", "a fresh build gives the same bytes", ["digests"], binaries::reproduced, reproducing),
];
