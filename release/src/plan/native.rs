//! The table's `[[native]]` inputs: whether each has what a release of the targets that need it must pin.

use std::collections::BTreeSet;

use super::contents::Contents;
use super::problem::Problem;
use crate::table::{FeatureChoice, Native, Spanned, Table};
use crate::triple::Triple;

impl Contents<'_> {
    /// Everything that is wrong with the native inputs.
    pub(super) fn check_native(&self) -> Vec<Problem> {
        let table = &self.source.table;
        table.native.iter().flat_map(|native| self.native(table, native)).collect()
    }

    fn native(&self, table: &Table, native: &Native) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.feature(&native.feature).into_iter().collect();
        if let Err(e) = spdx::Expression::parse(native.licence.get_ref()) {
            let message = format!(
                "the licence {:?} of {} is no SPDX expression: {}",
                native.licence.get_ref(),
                native.name.get_ref(),
                e.reason
            );
            let hint = "write an identifier of spdx.org/licenses, such as \"BSD-3-Clause\"";
            problems.push(Problem::new("licence-form", message).hint(hint).at(native.licence.span()));
        }
        for triple in native.names.keys().chain(native.sha256.keys()).collect::<BTreeSet<_>>() {
            if table.target(triple).is_none() {
                let span = native.sha256.get(triple).map_or_else(|| native.name.span(), Spanned::span);
                let message = format!("{} is pinned for {triple}, which is no [[target]]", native.name.get_ref());
                problems.push(
                    Problem::new("unknown-target", message).hint(format!("add a [[target]] for {triple}")).at(span),
                );
            }
        }
        problems.extend(self.users(table, native).into_iter().filter_map(|triple| pinned(native, triple)));
        problems
    }

    /// The triples that are built with the feature that needs it.
    fn users<'t>(&self, table: &'t Table, native: &Native) -> BTreeSet<&'t Triple> {
        let feature = native.feature.get_ref();
        let targets = table.targets.iter().filter(|t| t.features.iter().any(|f| f.get_ref() == feature));
        let mut users: BTreeSet<&Triple> = targets.map(|t| t.triple.get_ref()).collect();
        if let Some(image) = &table.image {
            let is_in_image = match &image.features {
                FeatureChoice::All(_) => self.package.features.contains(feature),
                FeatureChoice::These(features) => features.iter().any(|f| f.get_ref() == feature),
            };
            users.extend(image.platforms.iter().filter(|_| is_in_image).map(|p| p.target.get_ref()));
        }
        users
    }
}

fn pinned(native: &Native, triple: &Triple) -> Option<Problem> {
    let (name, feature) = (native.name.get_ref(), native.feature.get_ref());
    if native.url.contains("{name}") && !native.names.contains_key(triple) {
        let message = format!("{name} has no name for {triple}, so that target cannot have the feature {feature:?}");
        let hint = format!("take {feature:?} out of that target's features, or add it to `names`");
        return Some(Problem::new("native-unavailable", message).hint(hint).at(native.name.span()));
    }
    let url = native.names.get(triple).map_or_else(|| native.url.clone(), |word| native.url.replace("{name}", word));
    let fill = format!("`curl -fsSL {url} | sha256sum` prints it");
    let Some(sum) = native.sha256.get(triple) else {
        let message = format!("{name} has no sha256 for {triple}, which has the feature {feature:?}");
        return Some(Problem::new("native-unpinned", message).hint(fill).at(native.name.span()));
    };
    if sum.get_ref().is_empty() {
        let message = format!("the sha256 of {name} for {triple} is empty");
        return Some(Problem::new("native-unpinned", message).hint(fill).at(sum.span()));
    }
    (!is_sum(sum.get_ref())).then(|| {
        let message = format!("the sha256 of {name} for {triple} is neither 64 hex digits nor sha256-<base64>");
        Problem::new("native-sha256", message).hint(fill).at(sum.span())
    })
}

/// 64 lower-case hex digits, or the form of Nix: `sha256-` and 44 characters of base64.
fn is_sum(text: &str) -> bool {
    let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let is_base64 = |sum: &str| {
        sum.len() == 44 && sum.ends_with('=') && sum.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    is_hex || text.strip_prefix("sha256-").is_some_and(is_base64)
}
