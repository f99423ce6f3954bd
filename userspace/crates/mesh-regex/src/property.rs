//! The Unicode classes that RE2 has names for: general categories and scripts, spelled one way.

use regex_syntax::hir::{Class, HirKind};

use crate::code_points::{CodePoints, LAST};

/// The general categories that RE2 knows, apart from `C` and `Cs`, which hold surrogates.
const CATEGORIES: &str = "Cc Cf Co L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps \
    S Sc Sk Sm So Z Zl Zp Zs";

/// The scripts that RE2 knows: all of Unicode 15.
const SCRIPTS: &str = "\
    Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak \
    Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian \
    Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot \
    Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs \
    Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi \
    Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic \
    Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi \
    Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu \
    Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen \
    Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs \
    Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa \
    Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian \
    Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage \
    Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic \
    Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng \
    Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil \
    Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho \
    Warang_Citi Yezidi Yi Zanabazar_Square";

/// The class that RE2 calls `name`, as in `\p{name}`. None if it knows no such name: it compares
/// letter by letter, and has neither long names of categories nor other properties.
pub(crate) fn find(name: &str) -> Option<CodePoints> {
    match name {
        "Any" => Some(CodePoints::from_iter([(0, LAST)])),
        "Cs" => Some(CodePoints::from_iter([(0xD800, 0xDFFF)])),
        // Without `Cn`: RE2 does not count what is unassigned.
        "C" => {
            let mut other = find("Cs")?;
            for part in ["Cc", "Cf", "Co"] {
                other.add_all(&find(part)?);
            }
            Some(other)
        }
        _ if is_in(CATEGORIES, name) => table(&format!(r"\p{{gc={name}}}")),
        _ if is_in(SCRIPTS, name) => table(&format!(r"\p{{sc={name}}}")),
        _ => None,
    }
}

fn is_in(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}

/// The class that the `regex` crate has for `escape`.
fn table(escape: &str) -> Option<CodePoints> {
    match regex_syntax::parse(escape).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(
            class
                .iter()
                .map(|range| (range.start().into(), range.end().into()))
                .collect(),
        ),
        // A class of one character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(
                text.chars()
                    .map(|only| (only.into(), only.into()))
                    .collect(),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
