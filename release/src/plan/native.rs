//! The table's `[[native]]` inputs: whether each has what a release of the targets that need it must pin.

use std::collections::BTreeSet;

use super::contents::Contents;
use super::problem::Problem;
use crate::digest::Digest;
use crate::table::{Download, Native, Spanned, Supply, Table};
use crate::triple::Triple;

impl Contents<'_> {
    /// Everything that is wrong with the native inputs.
    pub(super) fn check_native(&self) -> Vec<Problem> {
        let table = &self.source.table;
        table.native.iter().flat_map(|native| self.native(table, native)).collect()
    }

    /// Inputs of features that are yet to be written: no feature requires them, so nothing is wrong.
    pub(super) fn waiting(&self) -> Vec<Problem> {
        let table = &self.source.table;
        let waiting = table.native.iter().filter(|native| self.waits(table, native));
        let said = |native: &Native| {
            let (name, feature) = (native.name.get_ref(), native.feature.get_ref());
            let message = format!("{name} waits for the feature {feature}, which Cargo.toml does not have yet");
            Problem::new("native-waits", message)
        };
        waiting.map(said).collect()
    }

    fn waits(&self, table: &Table, native: &Native) -> bool {
        !self.package.features.contains_key(native.feature.get_ref()) && users(table, native).is_empty()
    }

    fn native(&self, table: &Table, native: &Native) -> Vec<Problem> {
        let known = if self.waits(table, native) { None } else { self.feature(&native.feature) };
        let mut problems: Vec<Problem> = known.into_iter().collect();
        if let Err(e) = spdx::Expression::parse(native.licence.get_ref()) {
            let message = format!(
                "the licence {:?} of {} is not an SPDX expression: {}",
                native.licence.get_ref(),
                native.name.get_ref(),
                e.reason
            );
            let hint = "write an identifier of spdx.org/licenses, such as \"BSD-3-Clause\"";
            problems.push(Problem::new("licence-form", message).hint(hint).at(native.licence.span()));
        }
        problems.extend(native.allow.iter().filter_map(|id| allowed(native, id)));
        let users = users(table, native);
        if let Supply::Download(download) = &native.supply {
            problems.extend(targetless(table, native, download));
            problems.extend(users.iter().filter_map(|triple| pinned(native, download, triple)));
        }
        problems.extend(self.belongs(native, !users.is_empty()));
        problems
    }

    /// The crate that an input's version belongs to, against Cargo.lock.
    fn belongs(&self, native: &Native, is_used: bool) -> Option<Problem> {
        let (of, locked) = (native.belongs_to.as_ref()?, self.package.locked.as_ref()?);
        let (name, wanted) = (of.name.get_ref(), &of.version);
        let what = format!("{} {} belongs to {name} {wanted}", native.name.get_ref(), native.version);
        let problem =
            |message: String, hint: String| Problem::new("native-crate", message).hint(hint).at(of.name.span());
        let Some(found) = locked.crates.get(name) else {
            let message = format!("{what}, which Cargo.lock does not have");
            let hint = format!("depend on {name}, or write the crate that it belongs to");
            return is_used.then(|| problem(message, hint));
        };
        let other = found.iter().find(|version| *version != wanted)?;
        let hint = format!(
            "set version, sha256 and crate_version to those of {name} {other}, or `cargo update -p {name} --precise {wanted}`"
        );
        Some(problem(format!("{what}, but Cargo.lock has {other}"), hint))
    }
}

/// The triples that are built with the feature that needs it.
fn users<'t>(table: &'t Table, native: &Native) -> BTreeSet<&'t Triple> {
    let feature = native.feature.get_ref();
    let targets = table.targets.iter().filter(|t| t.features.iter().any(|f| f.get_ref() == feature));
    targets.map(|t| t.triple.get_ref()).collect()
}

/// An entry of `allow` that is no licence.
fn allowed(native: &Native, id: &Spanned<String>) -> Option<Problem> {
    let error = spdx::Licensee::parse(id.get_ref()).err()?;
    let (name, id_text) = (native.name.get_ref(), id.get_ref());
    let message = format!("`allow` of {name} has {id_text:?}, which is not an SPDX identifier: {}", error.reason);
    let hint = "write one identifier per entry, such as \"LGPL-2.1-or-later\" or \"LicenseRef-name\"";
    Some(Problem::new("licence-form", message).hint(hint).at(id.span()))
}

/// A pin for a triple that nothing is built for.
fn targetless(table: &Table, native: &Native, download: &Download) -> Vec<Problem> {
    let pinned = download.names.keys().chain(download.sha256.keys()).collect::<BTreeSet<_>>();
    let unknown = pinned.into_iter().filter(|triple| table.target(triple).is_none());
    let problem = |triple: &Triple| {
        let span = download.sha256.get(triple).map_or_else(|| native.name.span(), Spanned::span);
        let message = format!("{} is pinned for {triple}, which is no [[target]]", native.name.get_ref());
        Problem::new("unknown-target", message).hint(format!("add a [[target]] for {triple}")).at(span)
    };
    unknown.map(problem).collect()
}

fn pinned(native: &Native, download: &Download, triple: &Triple) -> Option<Problem> {
    let (name, feature) = (native.name.get_ref(), native.feature.get_ref());
    if download.url.contains("{name}") && !download.names.contains_key(triple) {
        let message = format!("{name} has no name for {triple}, so that target cannot have the feature {feature:?}");
        let hint = format!("take {feature:?} out of that target's features, or add it to `names`");
        return Some(Problem::new("native-unavailable", message).hint(hint).at(native.name.span()));
    }
    let url = download.url_for(triple);
    let fill = format!("`curl -fsSL {url} | sha256sum` prints it");
    let Some(sum) = download.sha256.get(triple) else {
        let message = format!("{name} has no sha256 for {triple}, which has the feature {feature:?}");
        return Some(Problem::new("native-unpinned", message).hint(fill).at(native.name.span()));
    };
    if sum.get_ref().is_empty() {
        let message = format!("the sha256 of {name} for {triple} is empty");
        return Some(Problem::new("native-unpinned", message).hint(fill).at(sum.span()));
    }
    Digest::from_pin(sum.get_ref()).is_err().then(|| {
        let message = format!("the sha256 of {name} for {triple} is neither 64 hex digits nor sha256-<base64>");
        Problem::new("native-sha256", message).hint(fill).at(sum.span())
    })
}
