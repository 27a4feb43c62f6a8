//! `tree` of a program: the folder whose files have their path below it in the archive. `files` lists each of them, so that
//! `verify` knows them where there is no checkout, and a file that an editor left there is not packed.

use std::path::Path;

use super::contents::{Contents, first, is_inside};
use super::problem::Problem;
use crate::table::Program;

impl Contents<'_> {
    /// The problem of a program's tree: not a folder below the top, nothing packed from it, or files that are not listed.
    pub(super) fn tree(&self, program: Program<'_>) -> Option<Problem> {
        let tree = program.tree()?;
        let (name, span) = (tree.get_ref().as_str(), tree.span());
        // Another spelling of the same path begins no listed file.
        if !is_inside(name) || name.split('/').any(|part| matches!(part, "" | ".")) {
            let message = format!("the tree {name:?} is not a folder below the top folder");
            let hint = "write it relative to the top folder, without `..` and without a slash at either end";
            return Some(Problem::new("tree-outside", message).hint(hint).at(span));
        }
        let listed: Vec<&str> = program.files().iter().map(|file| file.get_ref().as_str()).collect();
        if !listed.iter().any(|file| Path::new(file) != Path::new(name) && Path::new(file).starts_with(name)) {
            let message = format!("`files` of {} has no file below the tree {name:?}", program.name());
            let hint = "list the files that are packed from it, or take the tree out";
            return Some(Problem::new("tree-empty", message).hint(hint).at(span));
        }
        let below = self.tracked.iter().filter(|entry| entry.path.starts_with(name));
        let shown = below.map(|entry| entry.path.display().to_string());
        let unlisted: Vec<String> = shown.filter(|path| !listed.contains(&path.as_str())).collect();
        (!unlisted.is_empty()).then(|| {
            let message =
                format!("Git has files in the tree {name:?} that `files` does not list: {}", first(&unlisted));
            Problem::new("tree-unlisted", message).hint("list them, or move them out of the tree").at(span)
        })
    }
}
