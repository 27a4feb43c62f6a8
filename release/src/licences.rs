//! licences
