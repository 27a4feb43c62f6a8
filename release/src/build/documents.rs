//! The SBOMs of what was built.

use std::path::Path;

use super::{Error, Job, linked, models};
use crate::bounded;
use crate::digest::Digest;
use crate::graph::Graph;
use crate::image::Inventory;
use crate::part::{Built, LAYOUT};
use crate::sbom;
use crate::triple::Triple;

/// Every file of the image in the layout of `out`.
pub(super) fn inventory(job: &Job<'_>, out: &Path, manifest: Digest) -> Result<Inventory, Error> {
    let budget = job.table.image.as_ref().map_or(0, |image| image.budget.0);
    Ok(Inventory::of_layout(&out.join(LAYOUT), manifest, bounded::unpacked(budget))?)
}

/// The SBOM of a program's binary as this checkout makes it.
pub fn fresh_sbom(
    job: &Job<'_>,
    product: &str,
    target: &Triple,
    built: &Built,
    binary: Digest,
) -> Result<Vec<u8>, Error> {
    let graph = Graph::resolve(job.root, product, target, &built.features)?;
    document(job, target, built, &graph, binary, None)
}

/// The SBOM of a build: of its executable, or with `system` of the image around it.
pub(super) fn document(
    job: &Job<'_>,
    target: &Triple,
    built: &Built,
    graph: &Graph,
    binary: Digest,
    system: Option<&Inventory>,
) -> Result<Vec<u8>, Error> {
    let (natives, models) = (linked::of(job, target, built)?, models(job.table, &built.features));
    let (plan, rustc) = (job.plan, &built.rustc);
    Ok(sbom::document(&sbom::Input { plan, target, rustc, graph, natives: &natives, models: &models, binary, system })?)
}
