//! The licences that deny.toml allows.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

use super::{Error, POLICY_FILE};
use crate::atomic::At as _;
use crate::table::{self, Spanned};

/// The part of deny.toml that decides about licences. A stricter reading than cargo-deny's: its exceptions for single
/// crates count for nothing here.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// The allowed licences.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    path: PathBuf,
    allowed: Vec<Licensee>,
}

/// A licence expression that the policy lets pass.
#[derive(Debug)]
pub(super) struct Terms {
    /// In SPDX's own spelling.
    pub(super) expression: String,
    /// The licences of the expression that the policy allows, each once.
    pub(super) allowed: Vec<LicenseReq>,
}

impl Policy {
    /// Reads deny.toml at the root of a checkout.
    pub(super) fn read(root: &Path) -> Result<Self, Error> {
        let path = root.join(POLICY_FILE);
        let text = fs::read_to_string(&path).at("read", &path)?;
        let wrong = |message: String| Error::Policy { path: path.clone(), message };
        let deny: Deny = toml::from_str(&text).map_err(|e| wrong(e.message().to_owned()))?;
        let parse = |id: &String| Licensee::parse(id).map_err(|e| wrong(format!("allows {id:?}: {}", e.reason)));
        let allowed = deny.licenses.allow.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { path, allowed })
    }

    /// The same, with what one native input may have besides.
    pub(super) fn and(&self, more: &[Spanned<String>]) -> Result<Self, Error> {
        let mut policy = self.clone();
        for id in more.iter().map(Spanned::get_ref) {
            let wrong = |e: spdx::ParseError| Error::Policy {
                path: table::FILE.into(),
                message: format!("allows {id:?}: {}", e.reason),
            };
            policy.allowed.push(Licensee::parse(id).map_err(wrong)?);
        }
        Ok(policy)
    }

    /// Parses an expression and holds it against the allowed licences.
    pub(super) fn check(&self, component: &str, expression: &str) -> Result<Terms, Error> {
        let wrong = |reason: String| Error::Expression {
            component: component.to_owned(),
            expression: expression.to_owned(),
            reason,
        };
        let canonical = canonical(expression).map_err(wrong)?;
        let parsed = Expression::parse(&canonical).map_err(|e| wrong(e.reason.to_string()))?;
        if !parsed.evaluate(|licence| self.allows(licence)) {
            let (component, expression) = (component.to_owned(), expression.to_owned());
            return Err(Error::Refused { component, expression, path: self.path.clone() });
        }
        let mut allowed: Vec<LicenseReq> = Vec::new();
        for licence in parsed.requirements().map(|r| &r.req).filter(|licence| self.allows(licence)) {
            if !allowed.contains(licence) {
                allowed.push(licence.clone());
            }
        }
        Ok(Terms { expression: canonical, allowed })
    }

    fn allows(&self, licence: &LicenseReq) -> bool {
        self.allowed.iter().any(|allowed| allowed.satisfies(licence))
    }
}

/// The licences that an expression names, without exceptions; none where it is no expression, which is an error elsewhere.
pub(super) fn identifiers(expression: &str) -> Vec<String> {
    let parsed = canonical(expression).ok().and_then(|text| Expression::parse(&text).ok());
    let requirements = parsed.iter().flat_map(Expression::requirements);
    requirements.filter_map(|r| r.req.license.id()).map(|id| id.name.to_owned()).collect()
}

/// An expression in SPDX's own spelling; older manifests write `MIT/Apache-2.0`.
pub(crate) fn canonical(expression: &str) -> Result<String, String> {
    // The library corrects spellings of identifiers but leaves a slash that its lax parser takes for OR.
    let text = expression.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    let corrected = Expression::canonicalize(&text).map_err(|e| e.reason.to_string())?;
    let text = corrected.unwrap_or(text);
    match Expression::parse_mode(&text, ParseMode::STRICT) {
        Ok(_) => Ok(text),
        Err(e) => Err(e.reason.to_string()),
    }
}
