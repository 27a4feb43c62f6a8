//! `[[product]]` against the workspace and the files: each product is a package with a binary, of the release's version.

use cargo_metadata::{Metadata, Package as Described};

use super::contents::{Contents, first};
use super::member::{self, licence_file, sources};
use super::package::Package;
use super::problem::Problem;
use crate::snippet::nearest;
use crate::table::{Product, Source};

impl Contents<'_> {
    /// The files, names and sizes of every product.
    pub(super) fn products(&self) -> Vec<Problem> {
        let table = &self.source.table;
        let programs = table.programs().skip(1);
        let mut problems: Vec<Problem> = programs.flat_map(|program| self.files(program)).collect();
        for product in &table.products {
            let name = &product.name;
            problems.extend(self.artifact_name(name.get_ref(), name.span()));
            let asset = product.asset.as_ref();
            problems.extend(asset.and_then(|asset| self.artifact_name(asset.get_ref(), asset.span())));
            problems.extend(budget(product));
        }
        problems
    }
}

fn budget(product: &Product) -> Option<Problem> {
    let is_none = [product.budget.binary, product.budget.archive].iter().any(|size| size.0 == 0);
    is_none.then(|| {
        let message = format!("the budget of {} is 0, so no build of it can be released", product.name.get_ref());
        Problem::new("budget-none", message).hint("write the largest size that is right").at(product.name.span())
    })
}

/// The problems of the packages that products name, as Cargo describes them.
pub(super) fn packages(source: &Source, package: &Package, metadata: &Metadata) -> Vec<Problem> {
    let of = |product| one(source, product, package, metadata);
    source.table.products.iter().flat_map(of).collect()
}

fn one(source: &Source, product: &Product, package: &Package, metadata: &Metadata) -> Vec<Problem> {
    let (name, span) = (product.name.get_ref().as_str(), product.name.span());
    let members = || metadata.packages.iter().map(|member| member.name.as_str());
    let Some(described) = metadata.packages.iter().find(|member| member.name.as_str() == name) else {
        let hint = nearest(name, members()).map_or_else(
            || format!("it has: {}", first(&members().map(str::to_owned).collect::<Vec<_>>())),
            |near| format!("did you mean {near:?}?"),
        );
        let message = format!("the workspace has no package {name:?}");
        return vec![Problem::new("product-missing", message).hint(hint).at(span)];
    };
    let mut problems: Vec<Problem> = version(described, package).into_iter().collect();
    match member::binary(described, name) {
        Ok(binary) if !binary.required_features.is_empty() => {
            let message =
                format!("the binary {name} requires {}, and products have none", first(&binary.required_features));
            problems.push(Problem::new("binary-features", message).hint("take them out of `required-features`"));
        }
        Ok(_binary) => {}
        Err(problem) => problems.push(problem),
    }
    problems.extend(member::too_new(source, described));
    problems.extend(licence_file(described));
    problems.extend(sources(described));
    problems
        .into_iter()
        .map(|problem| if problem.span.is_none() { problem.at(span.clone()) } else { problem })
        .collect()
}

/// One tag releases all programs, each of which says its version.
fn version(described: &Described, package: &Package) -> Option<Problem> {
    (described.version != package.version).then(|| {
        let message =
            format!("{} is {}, and {} is {}", described.name, described.version, package.name, package.version);
        let hint = "write `version.workspace = true` in both, so that one tag is of both";
        Problem::new("product-version", message).hint(hint)
    })
}
