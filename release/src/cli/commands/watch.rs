//! `watch`: the newest public release, from nothing. A checkout matters for its VEX document alone.

use std::collections::BTreeMap;

use super::destinations::OpenedDestinations;
use super::{Output, root};
use crate::cli::failure::{Failure, INCOMPLETE};
use crate::cli::report;
use crate::cli::{Cli, DestinationArgs, WatchArgs};
use crate::forge::Github;
use crate::http::Client;
use crate::progress::Progress;
use crate::registry::Purpose;
use crate::scratch::Scratch;
use crate::table::Source;
use crate::verify::Request;
use crate::watch::{self, Finding, Issues, Service, Vex, Watched};

/// `watch`
pub(super) fn watch(cli: &Cli, args: &WatchArgs, progress: &Progress) -> Result<Output, Failure> {
    let watched = run(cli, args, progress).map_err(Failure::of_this_machine)?;
    let clean = watched.finding.as_ref().is_none_or(Finding::is_clean);
    let status = if clean { 0 } else { INCOMPLETE };
    Output::of(cli.json, &watched, report::watched, true).map(|output| output.with_status(status))
}

fn run(cli: &Cli, args: &WatchArgs, progress: &Progress) -> Result<Watched, Failure> {
    let table = Source::built_in()?.table;
    let (forge, registries, trust) = (args.forge.clone(), args.registries.clone(), args.trust.clone());
    let destinations = DestinationArgs { forge, registries, here: false, trust };
    let issues = issues_of(&table, args, progress)?;
    let opened = OpenedDestinations::new(&table, &destinations, Purpose::Look, progress)?;
    let (name, dry_run) = (opened.forge.name(), args.dry_run);
    let Some(tag) = watch::newest(&*opened.forge, &table.release)? else {
        return Ok(Watched { forge: name, finding: None, actions: Vec::new(), dry_run });
    };
    let (folder, registries, vex) = (Scratch::temporary()?, opened.registries(), vex(cli, args)?);
    let request = Request {
        tag: &tag,
        plan: None,
        table: &table,
        forge: &*opened.forge,
        registries: &registries,
        git_versions: &[],
        reproduce: None,
        sboms: const { &BTreeMap::new() },
        promoted: false,
        rehearsal: false,
        is_project_origin: opened.is_project_origin,
        remote: opened.remote,
        trusted_root: args.trust.trusted_root.as_deref(),
    };
    let client = Client::new().map_err(watch::Error::from)?.with_progress(progress);
    let service = Service { client: &client, url: &args.advisories, vex: vex.as_ref() };
    let finding = watch::look(request, service, folder.path())?;
    let mut actions = Vec::new();
    if let Some(github) = &issues {
        let issues = Issues { github, author: &args.author };
        actions = issues.plan(&finding)?;
        for action in actions.iter().filter(|_| !dry_run) {
            progress.line(&action.to_string());
            issues.act(action)?;
        }
    }
    Ok(Watched { forge: name, finding: Some(finding), actions, dry_run })
}

/// The repository whose issues are kept; a folder has none, and is looked at alone.
fn issues_of(table: &crate::table::Table, args: &WatchArgs, progress: &Progress) -> Result<Option<Github>, Failure> {
    let own = format!("github:{}", table.forge.github.get_ref());
    let name = args.forge.as_deref().unwrap_or(&own);
    match name.strip_prefix("github:") {
        Some(repository) => {
            let github = Github::open(repository.parse().map_err(crate::forge::Error::from)?, progress)?;
            // Without a token, a dry run sees what everybody sees.
            Ok(Some(if args.dry_run { github.for_looking() } else { github }))
        }
        None if args.dry_run => Ok(None),
        None => {
            let text = format!("{name} has no issues; watch keeps one of a repository on GitHub");
            Err(Failure::usage(text, "name github:OWNER/REPOSITORY, or pass --dry-run"))
        }
    }
}

fn vex(cli: &Cli, args: &WatchArgs) -> Result<Option<Vex>, Failure> {
    if let Some(path) = &args.vex {
        return Ok(Some(Vex::read(path)?));
    }
    match root(cli.root.as_deref()) {
        Ok(root) => Ok(Vex::read_if_there(&root.join("security/vex.json"))?),
        Err(error) if cli.root.is_some() => Err(error),
        Err(_) => Ok(None),
    }
}
