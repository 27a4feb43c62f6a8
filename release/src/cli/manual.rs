//! A man page of a program and its commands, from the definition of its command line.
//!
//! `src/manual.rs` and `release/src/cli/manual.rs` are equal, which a test compares.

use std::fmt::Write as _;
use std::io;

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The longest line of text in the source of a page, in bytes. `mandoc` reports longer ones.
const LONGEST: usize = 80;

/// Renders the page. `changed` is the day on which the command line last changed (`2026-11-29`), `url` is the project's. Only a
/// change of the command line changes the bytes, because neither a version nor the day of the build is on the page.
pub(crate) fn page(program: &Command, changed: &str, url: &str) -> String {
    let mut program = program.clone().subcommand_value_name("command");
    program.build();
    let (name, man) = (program.get_name().to_owned(), Man::new(program.clone()));
    let mut text = Roff::new().render();
    let _infallible = writeln!(text, ".TH {} 1 {changed} {name} \"User Commands\"", name.to_uppercase());
    for section in [Man::render_name_section, Man::render_synopsis_section, Man::render_description_section] {
        text += &section_of(&man, section);
    }
    let help = program.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (prose, listed): (Vec<&str>, Vec<&str>) = help.split("\n\n").partition(|block| heading(block).is_none());
    text += &prose.iter().map(|block| paragraph(block)).collect::<String>();
    text += &section_of(&man, Man::render_options_section);
    text += &control("SH", "COMMANDS");
    let shared = program.get_arguments().filter(|arg| arg.is_global_set()).filter_map(Arg::get_long);
    let shared = shared.fold(String::new(), |all, long| all + "--" + long + ", ");
    text += &line(roman(format!("Every command also takes {} and --help.", shared.trim_end_matches(", "))));
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        text += &of_command(command);
    }
    for (title, lines) in listed.iter().filter_map(|block| heading(block)) {
        text += &control("SH", &title.to_uppercase());
        text += &verbatim(lines);
    }
    text += &control("SH", "SEE ALSO");
    text += &line(roman(url));
    folded(&text)
}

/// A command in the section of commands: its usage, what it does, its own options, and its examples.
fn of_command(command: &Command) -> String {
    let shared = |arg: &Arg| arg.is_global_set() || matches!(arg.get_id().as_str(), "help" | "version");
    let alone = command.clone().mut_args(|arg| if shared(&arg) { arg.hide(true) } else { arg });
    let man = Man::new(alone);
    // The headings of a page of its own have no place here.
    let bare = |text: String| {
        text.lines().filter(|line| !line.starts_with(".SH ")).fold(String::new(), |all, line| all + line + "\n")
    };
    let mut text = control("SS", command.get_name());
    text += &bare(section_of(&man, Man::render_synopsis_section));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text += &paragraph(&format!("{}.", about.trim_end_matches('.')));
    text += &bare(section_of(&man, Man::render_options_section));
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for block in help.split("\n\n") {
        match heading(block) {
            Some((title, lines)) => {
                text += &(".PP\n".to_owned() + &line(bold(title)));
                text += &verbatim(lines);
            }
            None => text += &paragraph(block),
        }
    }
    text
}

/// The heading of a block of indented lines, without its colon, and the lines.
fn heading(block: &str) -> Option<(&str, &str)> {
    let (title, lines) = block.split_once('\n')?;
    lines.starts_with("  ").then(|| (title.trim_end_matches(':'), lines))
}

fn paragraph(block: &str) -> String {
    let text = block.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { text } else { ".PP\n".to_owned() + &line(roman(text)) }
}

/// Lines that stay as they are.
fn verbatim(lines: &str) -> String {
    let lines: String = lines.lines().map(|text| line(roman(text))).collect();
    format!(".nf\n{lines}.fi\n")
}

fn control(name: &str, argument: &str) -> String {
    body(Roff::new().control(name, [argument]))
}

fn line(text: Inline) -> String {
    body(Roff::new().text([text]))
}

fn section_of(man: &Man, section: fn(&Man, &mut dyn io::Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // Writing to a `Vec` cannot fail.
    section(man, &mut bytes).ok();
    String::from_utf8_lossy(&bytes).replace(&Roff::new().render(), "")
}

/// Without the definitions that a whole page begins with.
fn body(roff: &Roff) -> String {
    roff.render().replace(&Roff::new().render(), "")
}

/// Breaks long lines of text between words, where the reader of the page does not see it, and removes blanks at ends.
fn folded(text: &str) -> String {
    let (mut folded, mut verbatim) = (String::new(), false);
    // An empty line between two breaks is a third one, which `mandoc` reports.
    for line in text.replace(".br\n\n.br\n", ".br\n").lines() {
        verbatim = (verbatim || line == ".nf") && line != ".fi";
        if verbatim || line.starts_with(['.', '\'']) {
            folded += line;
        } else {
            let mut length = 0;
            for word in line.split_whitespace() {
                if length > 0 && length + 1 + word.len() > LONGEST {
                    // At the beginning of a line these would make it a request.
                    folded += if word.starts_with(['.', '\'']) { "\n\\&" } else { "\n" };
                    length = 0;
                } else if length > 0 {
                    folded.push(' ');
                    length += 1;
                }
                folded += word;
                length += word.len();
            }
        }
        folded.push('\n');
    }
    folded
}
