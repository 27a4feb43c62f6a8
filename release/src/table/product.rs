//! `[[product]]`: programs that are released beside the server. Each has the targets of the server, with their runner, builder,
//! floor, libraries and form of archive, and no Cargo features.

use serde::Deserialize;

use super::{Size, Spanned, Table, Target};
use crate::name::FileName;
use crate::triple::Triple;

/// `[[product]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// A package of the workspace and its binary; manifests know the product by this name.
    pub name: Spanned<FileName>,
    /// The first word of the names of its files, where that is not its name.
    pub asset: Option<Spanned<FileName>>,
    /// Files packed beside the binary, relative to the root.
    pub files: Vec<Spanned<String>>,
    /// The folder whose files have their path below it in the archive.
    pub tree: Option<Spanned<String>>,
    /// Largest allowed sizes, on every target.
    pub budget: ProductBudget,
}

/// A product's `budget`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductBudget {
    /// Of the executable.
    pub binary: Size,
    /// Of the archive.
    pub archive: Size,
}

/// A program of the release: the server, or a product. Whatever differs between the two is asked here.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    table: &'a Table,
    product: Option<&'a Product>,
}

impl Table {
    /// Every program of the release, the server first.
    pub fn programs(&self) -> impl Iterator<Item = Program<'_>> {
        let products = self.products.iter().map(|product| Program { table: self, product: Some(product) });
        std::iter::once(Program { table: self, product: None }).chain(products)
    }

    /// The program of that package.
    pub fn program(&self, name: &str) -> Option<Program<'_>> {
        self.programs().find(|program| program.name() == name)
    }
}

impl<'a> Program<'a> {
    /// The package and binary.
    pub fn name(&self) -> &'a str {
        self.product.map_or(self.table.release.name.get_ref().as_str(), |product| product.name.get_ref().as_str())
    }

    /// The package of the server, which may be this one.
    pub fn server(&self) -> &'a str {
        self.table.release.name.get_ref()
    }

    /// The first word of the names of its files.
    pub fn asset(&self) -> &'a str {
        let own = self.product.and_then(|product| product.asset.as_ref());
        own.map_or_else(|| self.name(), |asset| asset.get_ref().as_str())
    }

    /// Files packed beside the binary.
    pub fn files(&self) -> &'a [Spanned<String>] {
        self.product.map_or(&self.table.release.files, |product| &product.files)
    }

    /// The folder whose files have their path below it in the archive.
    pub fn tree(&self) -> Option<&'a Spanned<String>> {
        self.product.map_or(self.table.release.tree.as_ref(), |product| product.tree.as_ref())
    }

    /// Each file packed beside the binary: its name in the archive, and its path relative to the root.
    pub fn packed(self) -> impl Iterator<Item = (&'a str, &'a Spanned<String>)> + use<'a> {
        let tree = self.tree().map(|tree| tree.get_ref().as_str());
        self.files().iter().map(move |file| {
            let below = tree.and_then(|tree| file.get_ref().strip_prefix(tree)?.strip_prefix('/'));
            (below.unwrap_or(file.get_ref()), file)
        })
    }

    /// The names in the archive of the files packed beside the binary, sorted.
    pub fn packed_names(self) -> Vec<String> {
        let mut names: Vec<String> = self.packed().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Its Cargo features on a target.
    pub fn features(&self, target: &Target) -> std::collections::BTreeSet<String> {
        if self.product.is_some() { std::collections::BTreeSet::new() } else { target.feature_names() }
    }

    /// The most that an archive for a target may weigh.
    pub fn archive_budget(&self, target: &Target) -> Size {
        self.product.map_or(target.budget.archive, |product| product.budget.archive)
    }

    /// The most that any binary for a target may weigh.
    pub fn largest_binary(&self, target: &Target) -> Size {
        self.product.map_or(target.budget.binary, |product| product.budget.binary)
    }

    /// The most that a binary for a target may weigh. Of the server, one with fewer `features` may weigh less; `reduced` is one that
    /// had to leave some out.
    pub fn binary_budget(&self, target: &Target, features: &[String], reduced: bool) -> Size {
        let largest = self.largest_binary(target);
        if self.product.is_some() {
            return largest;
        }
        let reduced = target.budget.without_livekit.filter(|_| reduced);
        let bare = features.is_empty() && is_measured(target.triple.get_ref());
        let bare = self.table.budget.default_binary.filter(|_| bare);
        [reduced, bare].into_iter().flatten().fold(largest, Size::min)
    }
}

/// Whether `budget.default_binary` is of this target.
fn is_measured(triple: &Triple) -> bool {
    triple.as_str() == "x86_64-unknown-linux-gnu"
}
