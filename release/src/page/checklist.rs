//! The checklist: every row with its verdict, its evidence and the commands that repeat it, and the signatures.

use maud::{Markup, html};

use super::{copyable, repeat, text};
use crate::attest::{Predicate, VerifiedStatement};
use crate::verify::{Report, Row, Verdict};

/// Every row, in order.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="checklist" {
            h2 #checklist { "Checklist" }
            p { "This command makes all checks again:" }
            (command(&repeat::all(report)))
            ol.rows { @for row in &report.rows { (item(report, row)) } }
        }
    }
}

fn item(report: &Report, row: &Row) -> Markup {
    let (class, word) = word(&row.verdict);
    html! {
        li.row.(class) id={ "row-" (row.number) } {
            h3 { span.badge { (word) } " " span.number { (row.number) } " " (row.title) }
            p.break { (text(&row.evidence)) }
            @for again in repeat::row(report, row.id) { (command(&again)) }
        }
    }
}

fn word(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Ok => ("good", "holds"),
        Verdict::Failed => ("bad", "failed"),
        Verdict::WouldRefuse => ("warn", "would refuse"),
        Verdict::NotHere => ("none", "not here"),
        Verdict::NotSeen => ("warn", "not seen"),
        Verdict::NotChecked { .. } => ("warn", "not checked"),
    }
}

fn command(command: &str) -> Markup {
    html! { p.command { code.copy { (text(command)) } } }
}

/// The signatures with their times, one entry for each run of a workflow.
pub(super) fn signatures(report: &Report) -> Markup {
    html! {
        section aria-labelledby="signatures" {
            h2 #signatures { "Signatures" }
            @if report.attestations.is_empty() {
                p { "No signature was verified. The row on attestations says why." }
            } @else {
                p { "Each statement was signed by a workflow of the project." }
                ul.runs { @for statements in by_run(report) { (run(&statements)) } }
            }
        }
    }
}

/// The statements of each run, in the order of the first.
fn by_run(report: &Report) -> Vec<Vec<&VerifiedStatement>> {
    let mut runs: Vec<Vec<&VerifiedStatement>> = Vec::new();
    for statement in &report.attestations {
        let same = |first: &&VerifiedStatement| {
            (&first.workflow, &first.run, &first.commit) == (&statement.workflow, &statement.run, &statement.commit)
        };
        match runs.iter_mut().find(|run| run.first().is_some_and(same)) {
            Some(run) => run.push(statement),
            None => runs.push(vec![statement]),
        }
    }
    runs
}

fn run(statements: &[&VerifiedStatement]) -> Markup {
    let Some(first) = statements.first() else { return html! {} };
    html! {
        li.card {
            h3.break { (text(&first.workflow)) }
            p.quiet.break { "Run " (text(&first.run)) }
            p.quiet { "Commit " (copyable(&first.commit)) }
            ul.signed { @for statement in statements { (signature(statement)) } }
        }
    }
}

fn signature(statement: &VerifiedStatement) -> Markup {
    let kind = match statement.predicate {
        uri if uri == Predicate::Provenance.uri() => "Provenance",
        uri if uri == Predicate::Sbom.uri() => "SBOM",
        other => other,
    };
    html! {
        li {
            p.quiet { (text(kind)) ", signed " (text(&statement.signed)) }
            @for subject in &statement.subjects {
                p.break { (text(&subject.name)) br; (copyable(&subject.digest.to_string())) }
            }
        }
    }
}
