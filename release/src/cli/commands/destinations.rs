//! Forge and registries by their names on the command line.

use crate::cli::failure::Failure;
use crate::cli::{DestinationArgs, TrustArg};
use crate::forge::{self, Forge, github};
use crate::progress::Progress;
use crate::publish::Destinations;
use crate::registry::{self, Purpose, Reference, Registry};
use crate::table::Table;

/// The destinations of a command, opened.
pub(super) struct OpenedDestinations {
    pub(super) forge: Box<dyn Forge>,
    registries: Vec<Box<dyn Registry>>,
    /// One of these is the table's own.
    pub(super) is_project_origin: bool,
    /// Things go out of this machine: a release is meant.
    pub(super) real: bool,
    /// The forge is on another machine.
    pub(super) remote: bool,
}

impl OpenedDestinations {
    /// The destinations of a run, which borrows them.
    pub(super) fn borrowed<'a>(&'a self, registries: &'a [&'a dyn Registry], trust: &'a TrustArg) -> Destinations<'a> {
        let (forge, is_project_origin) = (&*self.forge, self.is_project_origin);
        Destinations { forge, registries, is_project_origin, trusted_root: trust.trusted_root.as_deref() }
    }

    /// Those that are named; of what is not, the table's own. Nothing is asked yet.
    pub(super) fn new(
        table: &Table,
        args: &DestinationArgs,
        purpose: Purpose,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let name = args.forge.clone().unwrap_or_else(|| own_forge(table));
        let forge = forge::open(&name, purpose, progress)?;
        let names = registry_names(table, args);
        let opened = names.iter().map(|name| registry::open(name, purpose, progress)).collect::<Result<Vec<_>, _>>()?;
        let is_project_origin = is_own_forge(table, &name) || has_own_registry(table, &opened);
        let remote = name.starts_with("github:");
        let real = remote || names.iter().any(|name| name.starts_with("docker://"));
        Ok(Self { forge, registries: opened, is_project_origin, real, remote })
    }

    pub(super) fn registries(&self) -> Vec<&dyn Registry> {
        self.registries.iter().map(AsRef::as_ref).collect()
    }
}

fn own_forge(table: &Table) -> String {
    format!("github:{}", table.forge.github.get_ref())
}

fn is_own_forge(table: &Table, name: &str) -> bool {
    let parsed = |name: &str| name.strip_prefix("github:")?.parse::<github::Repository>().ok();
    parsed(name).is_some() && parsed(name) == parsed(&own_forge(table))
}

/// The registries that were named; beside the table's own forge, where none was, the table's own.
fn registry_names(table: &Table, args: &DestinationArgs) -> Vec<String> {
    let own = args.forge.as_ref().is_none_or(|name| is_own_forge(table, name));
    if !own || !args.registries.is_empty() {
        return args.registries.clone();
    }
    let repositories = table.image.iter().flat_map(|image| &image.repositories);
    repositories.map(|repository| format!("docker://{}", repository.get_ref())).collect()
}

/// However they are written.
fn has_own_registry(table: &Table, registries: &[Box<dyn Registry>]) -> bool {
    let own = table.image.iter().flat_map(|image| &image.repositories);
    let own: Vec<Reference> = own.filter_map(|name| name.get_ref().parse().ok()).collect();
    registries.iter().any(|registry| own.iter().any(|own| own.to_string() == registry.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Source;

    fn table() -> Table {
        Source::built_in().unwrap().table
    }

    fn args(forge: Option<&str>, registries: &[&str]) -> DestinationArgs {
        let registries = registries.iter().map(ToString::to_string).collect();
        DestinationArgs { forge: forge.map(str::to_owned), registries, here: false, trust: TrustArg::default() }
    }

    #[test]
    fn the_tables_registries_stand_beside_its_forge_where_none_is_named() {
        let named = |forge: Option<&str>, registries: &[&str]| registry_names(&table(), &args(forge, registries));
        let own = ["docker://docker.io/saynaai/sayna", "docker://ghcr.io/saynaai/sayna"];
        assert_eq!(named(None, &[]), own);
        assert_eq!(named(Some("github:SaynaAI/Sayna"), &[]), own);
        assert_eq!(named(Some("github:saynaai/sayna"), &["oci:x"]), ["oci:x"]);
        assert_eq!(named(Some("github:somebody/else"), &[]), Vec::<String>::new());
        assert_eq!(named(Some("dir:x"), &[]), Vec::<String>::new());
    }

    #[test]
    fn the_tables_own_places_are_known_by_any_of_their_names() {
        let own = |forge: &str, registry: &str| {
            OpenedDestinations::new(&table(), &args(Some(forge), &[registry]), Purpose::Look, &Progress::quiet())
                .unwrap()
                .is_project_origin
        };
        assert!(own("github:SaynaAI/sayna", "oci:x"));
        for name in [
            "docker://docker.io/saynaai/sayna",
            "docker://saynaai/sayna",
            "docker://index.docker.io/saynaai/sayna",
            "docker://ghcr.io/saynaai/sayna",
        ] {
            assert!(own("dir:x", name), "{name}");
        }
        for name in ["docker://docker.io/somebody/sayna", "docker://127.0.0.1:5000/saynaai/sayna", "oci:saynaai/sayna"]
        {
            assert!(!own("github:somebody/sayna", name), "{name}");
        }
    }

    #[test]
    fn a_release_is_meant_where_something_leaves_this_machine() {
        let real = |forge: &str, registries: &[&str]| {
            OpenedDestinations::new(&table(), &args(Some(forge), registries), Purpose::Look, &Progress::quiet())
                .unwrap()
                .real
        };
        assert!(!real("dir:x", &["oci:x"]));
        assert!(real("github:a/b", &[]) && real("dir:x", &["docker://127.0.0.1:5000/x"]));
    }
}
