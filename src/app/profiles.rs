//! `sonogfr profiles`: says which carts are known, and forgets them.

use crate::edge::profiles::Profiles;
use anyhow::Result;
use std::path::Path;

/// Prints one line for each cart known. *Errors*: a store that cannot be understood.
pub fn list(file: &Path) -> Result<()> {
    let (profiles, fault) = Profiles::open(file);
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    for cart in profiles.carts() {
        let ([width, height], [first, last]) = (cart.size(), cart.ruler_columns());
        println!("{width} x {height}, ruler in columns {first} to {last}");
    }
    println!("{}: {} carts", file.display(), profiles.carts().len());
    Ok(())
}

/// Forgets every cart. *Errors*: a file that cannot be removed.
pub fn wipe(file: &Path) -> Result<()> {
    println!("{}: {} carts forgotten", file.display(), Profiles::wipe(file)?);
    Ok(())
}
