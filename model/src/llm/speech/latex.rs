//! What of LaTeX is found in what models write.

/// What a command does to what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// It is a symbol.
    Symbol(char),
    /// Its two arguments are a fraction.
    Fraction,
    /// It concerns only how the formula looks.
    Silent,
    /// It is said by its name.
    Named,
}

/// The command of this name.
pub(super) fn command(name: &str) -> Command {
    match name {
        "times" | "cdot" | "ast" => Command::Symbol('×'),
        "div" => Command::Symbol('÷'),
        "pm" => Command::Symbol('±'),
        "le" | "leq" | "leqslant" => Command::Symbol('≤'),
        "ge" | "geq" | "geqslant" => Command::Symbol('≥'),
        "ne" | "neq" => Command::Symbol('≠'),
        "approx" | "sim" => Command::Symbol('≈'),
        "infty" => Command::Symbol('∞'),
        "sqrt" => Command::Symbol('√'),
        "circ" | "degree" => Command::Symbol('°'),
        "to" | "rightarrow" | "Rightarrow" | "implies" => Command::Symbol('→'),
        "ldots" | "dots" | "cdots" => Command::Symbol('…'),
        "frac" | "dfrac" | "tfrac" => Command::Fraction,
        "left" | "right" | "text" | "textbf" | "textit" | "mathrm" | "mathbf" | "mathit"
        | "mathbb" | "operatorname" | "boxed" | "displaystyle" | "quad" | "qquad" | "big"
        | "Big" => Command::Silent,
        _ => Command::Named,
    }
}
