//! The products of a rehearsal: sizes against budgets, and the parts that this machine had to leave out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::build;
use crate::part::{BinaryPart, ImagePart};
use crate::table::Table;

/// One size against its budget.
#[derive(Debug, Serialize)]
pub struct Product {
    /// A file name or platform.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Allowed, in bytes.
    pub budget: u64,
}

/// Returns the products, with sizes and budgets.
pub(super) fn products(table: &Table, binaries: &[BinaryPart], images: &[ImagePart]) -> Vec<Product> {
    let mut products = Vec::new();
    for part in binaries {
        let Some(target) = table.target(&part.target) else { continue };
        let Some(program) = table.program(&part.product) else { continue };
        let name = format!("{} ({})", part.binary.name, part.target);
        let budget = program.binary_budget(target, &part.built.features, !part.built.left_out.is_empty()).0;
        products.push(Product { name, size: part.binary.size, budget });
        let budget = program.archive_budget(target).0;
        products.push(Product { name: part.archive.name.to_string(), size: part.archive.size, budget });
    }
    let budget = table.image.as_ref().map_or(0, |i| i.budget.0);
    let images = images.iter().map(|p| (format!("image {}", p.name()), p.compressed));
    products.extend(images.map(|(name, size)| Product { name, size, budget }));
    products
}

/// Returns what this machine could not include, and in which parts.
pub(super) fn without(table: &Table, binaries: &[BinaryPart], images: &[ImagePart]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in binaries {
        for what in build::without(table, &part.built, false) {
            all.entry(what).or_default().push(part.called());
        }
    }
    for part in images {
        for what in build::without(table, &part.built, true) {
            all.entry(what).or_default().push(format!("image {}", part.name()));
        }
    }
    all
}
