//! The command line: arguments in, text for people or JSON for machines out, and an exit status. Only this module knows that
//! there is a terminal.

mod args;
pub mod commands;
pub mod failure;
mod generate;
mod hidden;
mod manual;
pub mod report;

pub use args::{
    AuditArgs, BuildArgs, BuilderChoice, ChangelogArgs, Cli, Command, DestinationArgs, DoctorArgs, Format, ImageArgs,
    PackageArgs, PlanArgs, PromoteArgs, PublishArgs, RehearseArgs, ReleasedTagArg, ReuseArgs, SbomArgs, TagArg,
    TrackChoice, TrustArg, Until, VerifyArgs, WatchArgs,
};
pub use hidden::CratesArgs;
