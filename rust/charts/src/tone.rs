//! The colours of all pictures, by day and by night, and the rules of CSS that turn the one into the other.

use plotters::style::RGBColor;

/// A colour of the palette. People with any colour vision can tell those of data apart, and each stands out from the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// What went well.
    Blue,
    /// What was refused.
    Vermilion,
    /// What failed and may pass.
    Amber,
    /// What failed for good.
    Purple,
    /// A second thing that went well.
    Green,
    /// Models, bounds and the rest.
    Grey,
    /// Letters.
    Ink,
    /// Lines of the mesh.
    Faint,
    /// What all is drawn on.
    Paper,
}

impl Tone {
    /// All of them.
    pub const ALL: [Tone; 9] = [
        Tone::Blue,
        Tone::Vermilion,
        Tone::Amber,
        Tone::Purple,
        Tone::Green,
        Tone::Grey,
        Tone::Ink,
        Tone::Faint,
        Tone::Paper,
    ];

    /// For things that have no colour of their own: another one for each of the first five.
    #[must_use]
    pub fn of_series(index: usize) -> Tone {
        Self::ALL[index % 5]
    }

    /// On white paper, and on dark paper.
    const fn both(self) -> (u32, u32) {
        match self {
            Tone::Blue => (0x0072B2, 0x4AA8E8),
            Tone::Vermilion => (0xD55E00, 0xFF8A3D),
            Tone::Amber => (0xB08A00, 0xF0C23A),
            Tone::Purple => (0xA04A8A, 0xE08FC8),
            Tone::Green => (0x008F6B, 0x35C89B),
            Tone::Grey => (0x5F6773, 0xA2ABB8),
            Tone::Ink => (0x282C34, 0xE4E7EC),
            Tone::Faint => (0xE1E4E9, 0x3A404B),
            Tone::Paper => (0xFFFFFF, 0x1B1E24),
        }
    }

    /// By day, as CSS writes it and as pictures do: `#0072B2`.
    #[must_use]
    pub fn light(self) -> String {
        format!("#{:06X}", self.both().0)
    }

    /// By night, as CSS writes it.
    #[must_use]
    pub fn dark(self) -> String {
        format!("#{:06X}", self.both().1)
    }

    /// As it is drawn.
    pub(crate) fn colour(self) -> RGBColor {
        let [_, red, green, blue] = self.both().0.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

/// Rules of CSS that show pictures within a page by night; for a block that holds where it is dark.
#[must_use]
pub fn dark_rules() -> String {
    let rule =
        |tone: Tone, what: &str| format!("svg [{what}=\"{}\"]{{{what}:{}}}", tone.light(), tone.dark());
    Tone::ALL
        .into_iter()
        .flat_map(|tone| ["fill", "stroke"].map(|what| rule(tone, what)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.1, relative luminance.
    fn luminance(colour: u32) -> f64 {
        let [_, red, green, blue] = colour.to_be_bytes();
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn letters_and_data_stand_out_from_the_paper_by_day_and_by_night() {
        let (white, dark) = Tone::Paper.both();
        for tone in Tone::ALL {
            let least = match tone {
                Tone::Paper | Tone::Faint => continue,
                Tone::Ink | Tone::Grey => 4.5,
                _ => 3.0,
            };
            let (day, night) = tone.both();
            assert!(
                contrast(day, white) >= least,
                "{tone:?} by day: {:.1}",
                contrast(day, white)
            );
            assert!(
                contrast(night, dark) >= least,
                "{tone:?} by night: {:.1}",
                contrast(night, dark)
            );
        }
    }

    #[test]
    fn the_dark_rules_name_each_colour() {
        let rules = dark_rules();
        for tone in Tone::ALL {
            assert!(
                rules.contains(&tone.light()) && rules.contains(&tone.dark()),
                "{tone:?}: {rules}"
            );
        }
    }
}
