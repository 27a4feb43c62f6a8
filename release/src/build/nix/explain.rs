//! Diagnoses of Nix: pure functions over its standard error, as Nix 2.26 and 2.34 write it. The last lines are not enough: the
//! failing derivation may stand above the errors of those that depend on it, the message of an evaluation is inside a
//! trace with source excerpts, and the next step depends on the kind.

use std::fmt;

/// The cause of a failed call of Nix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// A derivation's own builder.
    Builder {
        /// The derivation.
        derivation: String,
        /// The way it ended, in Nix's words.
        reason: String,
        /// The end of its log.
        log: Vec<String>,
    },
    /// A second build gave other bytes than the first.
    Differs {
        /// The derivation.
        derivation: String,
        /// Its output.
        output: String,
    },
    /// An input of the flake could not be fetched.
    Fetch {
        /// Nix's words.
        said: String,
    },
    /// Anything else: an expression that cannot be evaluated, a full disk.
    Other {
        /// Nix's words, without the trace; nothing where they were shown as they came.
        said: String,
    },
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder { derivation, reason, log } => {
                write!(f, "{} {reason}", name(derivation))?;
                log.iter().try_for_each(|line| write!(f, "\n  > {line}"))
            }
            Self::Differs { derivation, output } => {
                write!(f, "{output}, which {} made twice, is not the same both times", name(derivation))
            }
            Self::Other { said } if said.is_empty() => f.write_str("the output of Nix above names the cause"),
            Self::Fetch { said } | Self::Other { said } => f.write_str(said),
        }
    }
}

impl Diagnosis {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Builder { derivation, .. } => Some(format!("`nix log {derivation}` shows all that it said")),
            Self::Differs { .. } => {
                Some("the same call with `--keep-failed` keeps the second output, for diffoscope".to_owned())
            }
            Self::Fetch { .. } => Some("check the network, or build without Nix: `--builder cargo`".to_owned()),
            Self::Other { said } if said.is_empty() => {
                Some("fix what it names, or build without Nix: `--builder cargo`".to_owned())
            }
            Self::Other { said } => {
                let unseen =
                    said.contains("-source/") && said.contains("does not exist") || said.contains("not tracked");
                unseen.then(|| "`git add` new files: Nix sees what Git tracks, and nothing else".to_owned())
            }
        }
    }
}

/// A derivation's name, without its folder and hash.
fn name(derivation: &str) -> &str {
    let file = derivation.rsplit('/').next().unwrap_or(derivation);
    file.split_once('-').map_or(file, |(_hash, name)| name).trim_end_matches(".drv")
}

/// Finds what matters in all that a failed call said.
pub(super) fn explain(stderr: &str) -> Diagnosis {
    let errors = errors(stderr);
    let found = errors.iter().find_map(|error| builder(error));
    if let Some(found) = found.or_else(|| errors.iter().find_map(|error| differs(error))) {
        return found;
    }
    let Some(last) = errors.last() else {
        let lines: Vec<&str> = stderr.lines().collect();
        return Diagnosis::Other { said: lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n") };
    };
    let said = innermost(last);
    let is_fetch =
        |line: &&str| line.contains("… while fetching the input") || line.contains("error: unable to download '");
    if last.iter().any(is_fetch) { Diagnosis::Fetch { said } } else { Diagnosis::Other { said } }
}

/// Each error with the lines that are indented beneath it. A trace's inner errors belong to the outer one.
fn errors(stderr: &str) -> Vec<Vec<&str>> {
    let mut errors: Vec<Vec<&str>> = Vec::new();
    let mut is_inside = false;
    for line in stderr.lines() {
        if line.starts_with("error:") {
            errors.push(Vec::new());
            is_inside = true;
        } else if !line.starts_with(' ') && !line.is_empty() {
            is_inside = false;
        }
        if let Some(error) = errors.last_mut().filter(|_| is_inside) {
            error.push(line);
        }
    }
    errors
}

/// `error: builder for '….drv' failed with exit code 1;`, or since Nix 2.31 `error: Cannot build '….drv'.` and a line
/// `Reason: builder failed …` A derivation that only depends on the failing one is not it.
fn builder(error: &[&str]) -> Option<Diagnosis> {
    let head = error.first()?.strip_prefix("error: ")?;
    let rest = head.strip_prefix("builder for '").or_else(|| head.strip_prefix("Cannot build '"))?;
    let (derivation, old) = rest.split_once('\'')?;
    let mut reason = old.trim_matches([' ', '.', ';']).to_owned();
    // The place in the sandbox is gone by now.
    if let Some((short, _place)) = reason.split_once(" at ") {
        reason = short.to_owned();
    }
    let told = error.iter().map(|line| line.trim()).skip_while(|line| !line.starts_with("Reason: "));
    let told = told.take_while(|line| !["Output paths:", "Last ", "For full"].iter().any(|end| line.starts_with(end)));
    let told: Vec<&str> = told.collect();
    if let Some((first, more)) = told.split_first() {
        let all =
            std::iter::once(first.trim_start_matches("Reason: ").trim_end_matches('.')).chain(more.iter().copied());
        reason = all.collect::<Vec<_>>().join(", ");
    }
    if reason.contains("dependenc") {
        return None;
    }
    let reason = reason.trim_start_matches("builder ").to_owned();
    let log = error.iter().filter_map(|line| line.trim_start().strip_prefix('>'));
    let log = log.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
    Some(Diagnosis::Builder { derivation: derivation.to_owned(), reason, log })
}

/// `error: derivation '….drv' may not be deterministic: output '…' differs`, with other quotes since Nix 2.31.
fn differs(error: &[&str]) -> Option<Diagnosis> {
    let (head, tail) = error.first()?.split_once("may not be deterministic: output ")?;
    let derivation = head.split('\'').nth(1)?.to_owned();
    let output = tail.split(['\'', '"']).nth(1)?.to_owned();
    Some(Diagnosis::Differs { derivation, output })
}

/// The last `error:` of a trace with its own lines; of the place its first line and not the source around it.
fn innermost(error: &[&str]) -> String {
    let is_head = |line: &&str| line.trim_start().starts_with("error:");
    let from = error.iter().rposition(is_head).unwrap_or(0);
    let is_source = |line: &str| {
        let text = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        text.starts_with('|')
    };
    let lines = error.iter().skip(from).filter(|line| !is_source(line) && !line.trim().is_empty());
    let text: Vec<String> = lines.map(|line| line.trim_end().replacen("error: ", "", 1)).collect();
    // The message stands at the margin, and its details two columns in.
    let margin = |line: &str| line.len() - line.trim_start().len();
    let (Some(first), rest) = (text.first(), text.get(1..).unwrap_or_default()) else { return String::new() };
    let least = rest.iter().map(|line| margin(line)).min().unwrap_or(0);
    let rest = rest.iter().map(|line| format!("\n  {}", line.split_at_checked(least).map_or("", |(_, text)| text)));
    std::iter::once(first.trim_start().to_owned()).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagnosis of recorded standard error of a real Nix, version 2.26 where the name has none.
    macro_rules! recorded {
        ($name:literal) => {
            explain(include_str!(concat!("testdata/", $name, ".txt")))
        };
    }

    #[test]
    fn a_failed_builder_is_shown_by_the_end_of_its_log() {
        for explanation in [recorded!("builder"), recorded!("builder-2.34")] {
            let text = explanation.to_string();
            assert!(text.starts_with("bad failed with exit code 101\n  > line 16\n"), "{text}");
            assert!(text.ends_with("\n  > line 39\n  > error[E0308]: mismatched types"), "{text}");
            let hint = "`nix log /nix/store/gkak43kb1jwhr6dfijzcw024dv154sfh-bad.drv` shows all that it said";
            assert_eq!(explanation.hint().unwrap(), hint);
        }
        assert_eq!(recorded!("silent-2.34").to_string(), "quiet failed with exit code 3");
        assert_eq!(recorded!("no-output").to_string(), "noout failed to produce output path for output 'out'");
        let foreign = "foreign platform mismatch, Required system: 'aarch64-linux', Current system: 'x86_64-linux'";
        assert_eq!(recorded!("foreign-2.34").to_string(), foreign);
    }

    #[test]
    fn an_evaluation_error_is_shown_without_its_trace() {
        let thrown = "the pin of libwebrtc is wrong:\n  write 1.2";
        assert_eq!(recorded!("thrown"), Diagnosis::Other { said: thrown.to_owned() });
        let nested = recorded!("nested").to_string();
        assert!(nested.starts_with("attribute 'y' missing\n  at /nix/store/"), "{nested}");
        assert!(nested.ends_with("flake.nix:20:57:\n  Did you mean z?"), "{nested}");
        assert!(
            recorded!("absent")
                .to_string()
                .starts_with("flake 'git+file:///home/ada/sayna' does not provide attribute")
        );
        assert!(recorded!("untracked").hint().unwrap().contains("git add"));
    }

    #[test]
    fn an_input_that_cannot_be_fetched_is_told_from_everything_else() {
        let fetch = recorded!("fetch");
        assert!(
            matches!(fetch, Diagnosis::Fetch { .. }) && fetch.to_string().contains("Could not resolve host"),
            "{fetch}"
        );
        assert!(matches!(recorded!("fetch-git"), Diagnosis::Fetch { .. }));
        for other in [
            recorded!("thrown"),
            recorded!("disk-full"),
            recorded!("mismatch"),
            recorded!("foreign"),
            recorded!("builder"),
        ] {
            assert!(!matches!(other, Diagnosis::Fetch { .. }), "{other}");
        }
    }

    #[test]
    fn a_second_build_that_differs_names_the_output() {
        for explanation in [recorded!("differs"), recorded!("differs-2.34")] {
            let output = "/nix/store/mwfjwrl6islf0z10bg9zan7ysg8ynr76-rnd";
            let derivation = "/nix/store/47n42m06ywdg0hzlbq5qffqiljw6zp4h-rnd.drv";
            let (output, derivation) = (output.to_owned(), derivation.to_owned());
            assert_eq!(explanation, Diagnosis::Differs { derivation, output });
        }
    }

    #[test]
    fn other_errors_of_nix_are_shown_as_printed() {
        assert_eq!(recorded!("disk-full").to_string(), "writing to file: No space left on device");
        let mismatch = recorded!("mismatch").to_string();
        assert!(mismatch.contains("specified: sha256-89Sa") && mismatch.contains("got:    sha256-mOpu"), "{mismatch}");
        assert_eq!(explain("what\nis this").to_string(), "what\nis this");
        assert_eq!(explain("").to_string(), "the output of Nix above names the cause");
        assert_eq!(explain("error:\n").to_string(), "error:");
    }
}
