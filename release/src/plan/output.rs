//! A plan as text for people, as JSON (`docs/release/plan.md` describes it), and as the matrix of a GitHub workflow.

use serde::Serialize;

use super::{Plan, PlanReport, PlannedPlatform, PlannedTarget, Problem};
use crate::name::short;
use crate::snippet::{Severity, line_and_column};
use crate::table::{self, Builder};

/// The plan, what is said of it, and what it would be refused for.
pub fn text(made: &PlanReport, colour: bool) -> String {
    let mut text = summary(&made.plan);
    text.push('\n');
    text.push_str(&targets(&made.plan.targets));
    text.push('\n');
    text.push_str(&rest(&made.plan));
    let findings = findings(made, colour);
    if !findings.is_empty() {
        text.push('\n');
        text.push_str(&findings);
    }
    text
}

/// Facts, warnings and problems alone, as people read them. Problems are errors where a release is meant; else each says
/// that it would refuse one.
pub fn findings(made: &PlanReport, colour: bool) -> String {
    let render = |list: &[Problem], severity, prefix: &str| -> String {
        list.iter().map(|problem| problem.render(severity, prefix, &made.source, colour)).collect()
    };
    let (severity, prefix) =
        if made.meant { (Severity::Error, "") } else { (Severity::Warning, "would refuse a release: ") };
    [
        render(&made.facts, Severity::Note, ""),
        render(&made.warnings, Severity::Warning, ""),
        render(&made.problems, severity, prefix),
    ]
    .concat()
}

fn summary(plan: &Plan) -> String {
    let time = jiff::Timestamp::from_second(plan.commit_time).map_or_else(|_| String::new(), |time| time.to_string());
    let kind = match (plan.prerelease, plan.latest) {
        (true, _) => "a pre-release; `latest` does not move",
        (false, true) => "stable; `latest` moves to it",
        (false, false) => "stable; `latest` stays with a newer version",
    };
    let tree = if plan.tree == crate::git::CLEAN { "clean".to_owned() } else { format!("changed, {}", plan.tree) };
    let rows = [
        ("release", format!("{} {}", plan.name, plan.version)),
        ("tag", plan.tag.clone()),
        ("kind", kind.to_owned()),
        ("commit", format!("{} of {time}, tree {tree}", short(&plan.commit))),
        ("toolchain", format!("rustc {}", plan.toolchain)),
    ];
    lines(rows.iter().map(|(name, value)| format!("{name:<10} {value}")))
}

fn targets(targets: &[PlannedTarget]) -> String {
    let features = |t: &PlannedTarget| if t.features.is_empty() { "-".to_owned() } else { t.features.join(",") };
    let head = ["TARGET", "RUNNER", "BUILDER", "FEATURES", "ARCHIVE"].map(str::to_owned);
    let row = |t: &PlannedTarget| {
        [t.triple.to_string(), t.runner.clone(), t.builder.to_string(), features(t), t.archive.clone()]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(targets.iter().map(row)).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    lines(rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    }))
}

fn rest(plan: &Plan) -> String {
    let image = plan.image.iter().flat_map(|image| {
        let platforms: Vec<String> = image.platforms.iter().map(PlannedPlatform::name).collect();
        let platforms = platforms.join(", ");
        image.repositories.iter().map(move |r| format!("image      {r}:{} for {platforms}", image.tag))
    });
    let manifest = [("manifest", &plan.manifest), ("sums", &plan.sums), ("attested", &plan.attestations)];
    let manifest = manifest.map(|(what, name)| format!("{what:9}  {name}")).into_iter();
    let left_out = plan.left_out.iter().map(|left| format!("left out   {}: {}", left.what, left.reason));
    lines(image.chain(manifest).chain(left_out))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// The document of `plan --format json`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    problems: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
    facts: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    at: Option<At>,
}

#[derive(Serialize)]
struct At {
    file: &'static str,
    line: usize,
    column: usize,
}

/// The plan and what was found, as one JSON document with a line feed at its end.
pub fn json(made: &PlanReport) -> String {
    let at = |problem: &Problem| {
        let (line, column) = line_and_column(&made.source.text, problem.span.as_ref()?.start);
        Some(At { file: table::FILE, line, column })
    };
    let [problems, warnings, facts] = [&made.problems, &made.warnings, &made.facts]
        .map(|list| list.iter().map(|problem| Finding { problem, at: at(problem) }).collect());
    written(serde_json::to_string_pretty(&Document { plan: &made.plan, problems, warnings, facts }))
}

fn written(document: serde_json::Result<String>) -> String {
    document.map_or_else(|e| unreachable!("strings, numbers and lists are always JSON: {e}"), |text| text + "\n")
}

#[derive(Serialize)]
struct Matrix<T> {
    include: Vec<T>,
}

#[derive(Serialize)]
struct TargetJob<'a> {
    product: &'a str,
    folder: &'a str,
    target: &'a str,
    runner: &'a str,
    builder: Builder,
    system: Option<&'a str>,
    features: String,
    toolchain: String,
    archive: &'a str,
    sbom: &'a str,
    platform: String,
    part: String,
}

/// One line for a workflow's `matrix: ${{ fromJSON(…) }}`: a job per program and target, or those of one builder.
pub fn matrix(plan: &Plan, builder: Option<Builder>) -> String {
    let targets = plan.targets.iter().filter(|target| builder.is_none_or(|wanted| target.builder == wanted));
    let name = |target: &PlannedTarget, naming: fn(&PlannedPlatform) -> String| {
        let mut platforms = plan.image.iter().flat_map(|image| &image.platforms);
        let is_in = |platform: &&PlannedPlatform| platform.target == target.triple && target.product == plan.name;
        let platform = platforms.find(is_in);
        platform.map_or_else(String::new, naming)
    };
    let include = targets
        .map(|target| TargetJob {
            product: &target.product,
            folder: &target.folder,
            target: target.triple.as_str(),
            runner: &target.runner,
            builder: target.builder,
            system: target.system.as_deref(),
            features: target.features.join(","),
            toolchain: plan.toolchain.to_string(),
            archive: &target.archive,
            sbom: &target.sbom,
            platform: name(target, PlannedPlatform::name),
            part: name(target, PlannedPlatform::folder),
        })
        .collect();
    written(serde_json::to_string(&Matrix { include }))
}
