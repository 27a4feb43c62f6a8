//! The words and tables that people read. Machines read the same values as JSON.

use std::fmt::Write as _;

use anstyle::Style;

use crate::doctor;
use crate::promote;
use crate::publish;
use crate::rehearse::Summary;
use crate::shown::palette::{BAD, GOOD, QUIET, TITLE, WARN, megabytes};
use crate::shown::{counted, on_one_line, shown};
use crate::verify::{Report, Row, Verdict, files};
use crate::watch::Watched;

/// Every text that is painted may be from outside.
fn painted(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", shown(text))
}

/// The checklist as a table.
pub fn checklist(report: &Report) -> String {
    let mut text = painted(TITLE, &on_one_line(&format!("{} in {}", report.tag, places(report)))) + "\n";
    let width = report.rows.iter().map(|r| r.title.len()).max().unwrap_or_default();
    for row in &report.rows {
        let (style, word) = word(&row.verdict);
        // Padded before it is painted: the escape codes have no width.
        let line = format!("{:>3}  {}  {:width$}  ", row.number, painted(style, &format!("{word:12}")), row.title);
        text.push_str(&line);
        text.push_str(&evidence(row));
        text.push('\n');
    }
    text
}

fn places(report: &Report) -> String {
    let mut names = vec![report.forge.as_str()];
    names.extend(report.registries.iter().map(String::as_str));
    names.join(" and ")
}

fn word(verdict: &Verdict) -> (Style, &'static str) {
    match verdict {
        Verdict::Ok => (GOOD, "ok"),
        Verdict::Failed => (BAD, "FAILED"),
        Verdict::WouldRefuse => (WARN, "would refuse"),
        Verdict::NotHere => (QUIET, "not here"),
        Verdict::NotSeen => (WARN, "not seen"),
        Verdict::NotChecked { .. } => (WARN, "not checked"),
    }
}

/// A line of a table holds what one reads at a glance; `--json` has it whole.
fn evidence(row: &Row) -> String {
    const GLANCE: usize = 96;
    let evidence = on_one_line(&row.evidence);
    let short = row.verdict == Verdict::Ok && evidence.chars().count() > GLANCE;
    if short { evidence.chars().take(GLANCE).chain(['…']).collect() } else { evidence.into_owned() }
}

/// Files and what was seen of each.
pub fn files(report: &files::Report) -> String {
    let mut text = painted(TITLE, &on_one_line(&format!("{} by {}", report.tag, report.attestations))) + "\n";
    for row in &report.files {
        let (style, word) = word(&row.verdict);
        let _infallible =
            writeln!(text, "{}  {}  {}", painted(style, &format!("{word:6}")), on_one_line(&row.file), row.digest);
        let _infallible = writeln!(text, "        {}", on_one_line(&row.evidence));
    }
    text
}

/// The checks before a release, each with its remedy.
pub fn doctor(report: &doctor::Report) -> String {
    let mut text = painted(TITLE, &format!("before {}", report.tag)) + "\n";
    let width = report.checks.iter().map(|c| c.title.len()).max().unwrap_or_default();
    for check in &report.checks {
        let (style, word) = match check.verdict {
            doctor::Verdict::Ok => (GOOD, "ok"),
            doctor::Verdict::Failed => (BAD, "FAILED"),
            doctor::Verdict::NotSeen => (QUIET, "not seen"),
        };
        let word = painted(style, &format!("{word:8}"));
        let _infallible = writeln!(text, "  {word}  {:width$}  {}", check.title, on_one_line(&check.evidence));
        if let Some(remedy) = &check.remedy {
            let _infallible = writeln!(text, "            next: {}", shown(remedy));
        }
    }
    text
}

/// Renders the result of a publishing run.
pub fn published(outcome: &publish::Outcome, dry_run: bool) -> String {
    let mut text = String::new();
    for track in &outcome.tracks {
        text.push_str(&painted(TITLE, &track.name));
        text.push('\n');
        for action in &track.actions {
            let _infallible = writeln!(text, "  {} {}", if dry_run { "would" } else { "did" }, on_one_line(action));
        }
        for action in &track.left {
            let _infallible = writeln!(text, "  {} {}", painted(BAD, "not done:"), on_one_line(action));
        }
        let end = match (&track.stopped, track.actions.is_empty()) {
            (Some(reason), _) => painted(BAD, &format!("  stopped: {reason}")),
            (None, true) => painted(GOOD, "  nothing to do"),
            (None, false) => String::new(),
        };
        if !end.is_empty() {
            text.push_str(&end);
            text.push('\n');
        }
    }
    text
}

/// Renders the result of a promotion.
pub fn promoted(outcome: &promote::Outcome, dry_run: bool) -> String {
    let verb = if dry_run { "would set" } else { "set" };
    let moves = outcome.moves.iter().map(|m| format!("{verb} {}\n", on_one_line(m)));
    let stays = outcome.stays.iter().map(|stays| format!("`latest` stays: {}\n", on_one_line(stays)));
    moves.chain(stays).chain(outcome.notes.iter().map(|note| format!("note: {}\n", on_one_line(note)))).collect()
}

/// The end of a rehearsal: what a stranger would see, and whether it holds.
pub fn rehearsal(summary: &Summary) -> String {
    let plan = &summary.plan;
    let mut text =
        format!("\n{}\n", painted(TITLE, &format!("{} {}, rehearsed on this machine", plan.name, plan.version)));
    let _infallible = writeln!(text, "  a stranger would see   {} assets{}", assets(summary), image(summary));
    for product in &summary.products {
        let share = product.size * 100 / product.budget.max(1);
        let name = painted(Style::new(), &format!("{:62}", product.name));
        let _infallible = writeln!(
            text,
            "    {name} {:>9}  {share:>3} % of its budget {}",
            megabytes(product.size),
            megabytes(product.budget)
        );
    }
    text.push('\n');
    text.push_str(&checklist(&summary.report));
    text.push('\n');
    let mut reasons: Vec<&str> = plan.left_out.iter().map(|l| l.reason.as_str()).collect();
    reasons.dedup();
    for reason in reasons {
        let what: Vec<&str> = plan.left_out.iter().filter(|l| l.reason == reason).map(|l| l.what.as_str()).collect();
        let _infallible = writeln!(text, "  not built on this machine: {} ({reason})", what.join(", "));
    }
    for (what, parts) in &summary.without {
        let _infallible = writeln!(text, "  {} without {what}", parts.join(", "));
    }
    for reason in &summary.would_refuse {
        let line = format!("  would refuse a release: {}", reason.replace('\n', "\n    "));
        let _infallible = writeln!(text, "{}", painted(WARN, &line));
    }
    let stages: Vec<String> = summary.stages.iter().map(|s| format!("{} {:.1} s", s.name, s.seconds)).collect();
    let _infallible = writeln!(text, "\n  stages   {}", stages.join(" · "));
    let _infallible = writeln!(text, "  folder   {}", summary.folder.display());
    let _infallible = writeln!(text, "  page     {}", summary.page.display());
    let same = match summary.reproduced {
        Some(true) => "built twice in different folders: bit-identical",
        Some(false) => "built twice in different folders: the bytes DIFFER",
        None => "built once, not proven bit-identical: `rehearse --twice` builds again and compares",
    };
    let _infallible = writeln!(text, "  builds   {same}");
    let verdict = if summary.passed { painted(GOOD, "holds") } else { painted(BAD, "DOES NOT HOLD") };
    let _infallible = writeln!(text, "  verdict  {verdict}");
    text
}

fn assets(summary: &Summary) -> usize {
    // Three per target, the manifest, its checksum and SHA256SUMS.
    summary.plan.targets.len() * 3 + 3
}

fn image(summary: &Summary) -> String {
    match &summary.plan.image {
        Some(image) => format!(" and the image {}:{}", image.repositories.join(", "), image.tag),
        None => " and no image".to_owned(),
    }
}

/// The newest release as the watch has seen it.
pub fn watched(watched: &Watched) -> String {
    let Some(finding) = &watched.finding else {
        return format!("{}: no release is public yet, so there is nothing to watch\n", on_one_line(&watched.forge));
    };
    let mut text = painted(TITLE, &on_one_line(&format!("{} in {}", finding.tag, watched.forge))) + "\n";
    for row in &finding.rows {
        let _infallible = writeln!(text, "{}  {}: {}", painted(BAD, "FAILED"), row.title, on_one_line(&row.evidence));
    }
    for advisory in &finding.advisories {
        let purls = advisory.components.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let line = format!("{} in {purls}: {}", advisory.id, advisory.summary);
        let _infallible = writeln!(text, "{}  {}", painted(BAD, "advisory"), on_one_line(&line));
    }
    let _infallible = writeln!(
        text,
        "{} in {}, {}, {}, {} not known to the advisory service",
        counted(finding.components, "component", "components"),
        counted(finding.sboms.len(), "SBOM", "SBOMs"),
        counted(finding.advisories.len(), "advisory counts", "advisories count"),
        counted(finding.excused.len(), "is excused", "are excused"),
        counted(finding.not_covered.len(), "component is", "components are")
    );
    let would = if watched.dry_run { "would " } else { "" };
    for action in &watched.actions {
        let _infallible = writeln!(text, "{would}{action}");
    }
    if watched.actions.is_empty() {
        text.push_str("nothing to do to the issue\n");
    }
    text
}
