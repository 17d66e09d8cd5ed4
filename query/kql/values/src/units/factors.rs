//! How many of the common unit a unit is.

const INCH: f64 = 0.0254;
const FOOT: f64 = 0.3048;
const SURVEY_FOOT: f64 = 1_200.0 / 3_937.0;
const YARD: f64 = 0.9144;
const MILE: f64 = 1_609.344;
const LIGHT_YEAR: f64 = 9.460_730_472_580_8e15;
const PARSEC: f64 = 3.085_677_581_28e16;

/// In degrees.
pub(super) fn angle(unit: &str) -> Option<f64> {
    const RADIAN: f64 = 180.0 / std::f64::consts::PI;
    Some(match unit {
        "Degree" => 1.0,
        "Millidegree" => 1e-3,
        "Microdegree" => 1e-6,
        "Nanodegree" => 1e-9,
        "Arcminute" => 1.0 / 60.0,
        "Arcsecond" => 1.0 / 3_600.0,
        "Radian" => RADIAN,
        "Deciradian" => RADIAN * 1e-1,
        "Centiradian" => RADIAN * 1e-2,
        "Milliradian" => RADIAN * 1e-3,
        "Microradian" => RADIAN * 1e-6,
        "Nanoradian" => RADIAN * 1e-9,
        "Gradian" => 0.9,
        "NatoMil" => 9.0 / 160.0,
        "Revolution" => 360.0,
        _ => return None,
    })
}

/// In joules.
pub(super) fn energy(unit: &str) -> Option<f64> {
    const BTU: f64 = 1_055.055_852_62;
    const ELECTRON_VOLT: f64 = 1.602_176_634e-19;
    Some(match unit {
        "Joule" => 1.0,
        "Millijoule" => 1e-3,
        "Kilojoule" => 1e3,
        "Megajoule" => 1e6,
        "Gigajoule" => 1e9,
        "BritishThermalUnit" => BTU,
        "KilobritishThermalUnit" => BTU * 1e3,
        "MegabritishThermalUnit" => BTU * 1e6,
        "GigabritishThermalUnit" => BTU * 1e9,
        "ThermEc" => BTU * 1e5,
        "DecathermEc" => BTU * 1e6,
        "ThermImperial" => 1.055_055_852_573_48e8,
        "DecathermImperial" => 1.055_055_852_573_48e9,
        "ThermUs" => 1.054_804e8,
        "DecathermUs" => 1.054_804e9,
        "Calorie" => 4.184,
        "Kilocalorie" => 4_184.0,
        "Megacalorie" => 4.184e6,
        "ElectronVolt" => ELECTRON_VOLT,
        "KiloelectronVolt" => ELECTRON_VOLT * 1e3,
        "MegaelectronVolt" => ELECTRON_VOLT * 1e6,
        "GigaelectronVolt" => ELECTRON_VOLT * 1e9,
        "TeraelectronVolt" => ELECTRON_VOLT * 1e12,
        "Erg" => 1e-7,
        "FootPound" => 1.355_817_948_331_400_4,
        "HorsepowerHour" => 2_684_519.537_696_173,
        "WattHour" => 3_600.0,
        "KilowattHour" => 3.6e6,
        "MegawattHour" => 3.6e9,
        "GigawattHour" => 3.6e12,
        "TerawattHour" => 3.6e15,
        "WattDay" => 86_400.0,
        "KilowattDay" => 8.64e7,
        "MegawattDay" => 8.64e10,
        "GigawattDay" => 8.64e13,
        "TerawattDay" => 8.64e16,
        _ => return None,
    })
}

/// In newtons.
pub(super) fn force(unit: &str) -> Option<f64> {
    const POUND: f64 = 4.448_221_615_260_5;
    Some(match unit {
        "Newton" => 1.0,
        "Micronewton" => 1e-6,
        "Millinewton" => 1e-3,
        "Decanewton" => 10.0,
        "Kilonewton" => 1e3,
        "Meganewton" => 1e6,
        "Dyn" => 1e-5,
        "KilogramForce" | "KiloPond" => 9.806_65,
        "TonneForce" => 9_806.65,
        "PoundForce" => POUND,
        "KilopoundForce" => POUND * 1e3,
        "OunceForce" => POUND / 16.0,
        "ShortTonForce" => POUND * 2e3,
        "Poundal" => 0.138_254_954_376,
        _ => return None,
    })
}

/// In metres.
pub(super) fn length(unit: &str) -> Option<f64> {
    Some(match unit {
        "Meter" => 1.0,
        "Angstrom" => 1e-10,
        "Nanometer" => 1e-9,
        "Micrometer" => 1e-6,
        "Millimeter" => 1e-3,
        "Centimeter" => 1e-2,
        "Decimeter" => 1e-1,
        "Decameter" => 10.0,
        "Hectometer" => 1e2,
        "Kilometer" => 1e3,
        "Microinch" => INCH * 1e-6,
        "Mil" => INCH * 1e-3,
        "Inch" => INCH,
        "Hand" => INCH * 4.0,
        "Foot" => FOOT,
        "UsSurveyFoot" => SURVEY_FOOT,
        "Yard" => YARD,
        "Fathom" => FOOT * 6.0,
        "Chain" => FOOT * 66.0,
        "Shackle" => FOOT * 90.0,
        "Mile" => MILE,
        "DataMile" => FOOT * 6_000.0,
        "NauticalMile" => 1_852.0,
        "Twip" => INCH / 1_440.0,
        "DtpPoint" => INCH / 72.0,
        "DtpPica" => INCH / 6.0,
        "PrinterPoint" => INCH / 72.27,
        "PrinterPica" => INCH * 12.0 / 72.27,
        "AstronomicalUnit" => 1.495_978_707e11,
        "SolarRadius" => 6.957e8,
        "LightYear" => LIGHT_YEAR,
        "KilolightYear" => LIGHT_YEAR * 1e3,
        "MegalightYear" => LIGHT_YEAR * 1e6,
        "Parsec" => PARSEC,
        "Kiloparsec" => PARSEC * 1e3,
        "Megaparsec" => PARSEC * 1e6,
        _ => return None,
    })
}

/// In grams.
pub(super) fn mass(unit: &str) -> Option<f64> {
    const POUND: f64 = 453.592_37;
    Some(match unit {
        "Gram" => 1.0,
        "Nanogram" => 1e-9,
        "Microgram" => 1e-6,
        "Milligram" => 1e-3,
        "Centigram" => 1e-2,
        "Decigram" => 1e-1,
        "Decagram" => 10.0,
        "Hectogram" => 1e2,
        "Kilogram" => 1e3,
        "Tonne" => 1e6,
        "Kilotonne" => 1e9,
        "Megatonne" => 1e12,
        "Grain" => POUND / 7_000.0,
        "Ounce" => POUND / 16.0,
        "Pound" => POUND,
        "Kilopound" => POUND * 1e3,
        "Megapound" => POUND * 1e6,
        "Stone" => POUND * 14.0,
        "ShortHundredweight" => POUND * 100.0,
        "LongHundredweight" => POUND * 112.0,
        "ShortTon" => POUND * 2_000.0,
        "LongTon" => POUND * 2_240.0,
        "Slug" => 14_593.902_937_206,
        "EarthMass" => 5.972_2e27,
        "SolarMass" => 1.989_47e33,
        _ => return None,
    })
}

/// In metres per second.
pub(super) fn speed(unit: &str) -> Option<f64> {
    if unit == "Knot" {
        return Some(1_852.0 / 3_600.0);
    }
    let (way, time) = unit.split_once("Per")?;
    let seconds = match time {
        "Second" => 1.0,
        "Minute" => 60.0,
        "Hour" => 3_600.0,
        _ => return None,
    };
    let way = match way {
        "Nanometer" | "Micrometer" | "Decimeter" if time == "Hour" => return None,
        "Mile" if time != "Hour" => return None,
        "Nanometer" | "Micrometer" | "Millimeter" | "Centimeter" | "Decimeter" | "Meter"
        | "Kilometer" | "Inch" | "Foot" | "UsSurveyFoot" | "Yard" | "Mile" => length(way)?,
        _ => return None,
    };
    Some(way / seconds)
}

/// In cubic metres.
pub(super) fn volume(unit: &str) -> Option<f64> {
    const US_GALLON: f64 = INCH * INCH * INCH * 231.0;
    const IMPERIAL_GALLON: f64 = 4.546_09e-3;
    const CUBIC_FOOT: f64 = FOOT * FOOT * FOOT;
    Some(match unit {
        "CubicMeter" | "Kiloliter" => 1.0,
        "CubicMicrometer" => 1e-18,
        "CubicMillimeter" | "Microliter" => 1e-9,
        "CubicCentimeter" | "Milliliter" => 1e-6,
        "CubicDecimeter" | "Liter" => 1e-3,
        "CubicHectometer" => 1e6,
        "CubicKilometer" => 1e9,
        "HectocubicMeter" => 1e2,
        "KilocubicMeter" | "Megaliter" => 1e3,
        "Centiliter" => 1e-5,
        "Deciliter" => 1e-4,
        "Decaliter" => 1e-2,
        "Hectoliter" => 1e-1,
        "CubicInch" => INCH * INCH * INCH,
        "CubicFoot" => CUBIC_FOOT,
        "HectocubicFoot" => CUBIC_FOOT * 1e2,
        "KilocubicFoot" => CUBIC_FOOT * 1e3,
        "MegacubicFoot" => CUBIC_FOOT * 1e6,
        "CubicYard" => YARD * YARD * YARD,
        "CubicMile" => MILE * MILE * MILE,
        "BoardFoot" => CUBIC_FOOT / 12.0,
        // Kusto's own figure, of six digits.
        "AcreFoot" => 1.0 / 0.000_810_714,
        "ImperialGallon" => IMPERIAL_GALLON,
        "KiloimperialGallon" => IMPERIAL_GALLON * 1e3,
        "MegaimperialGallon" => IMPERIAL_GALLON * 1e6,
        "ImperialPint" => IMPERIAL_GALLON / 8.0,
        "ImperialOunce" => IMPERIAL_GALLON / 160.0,
        "ImperialBeerBarrel" => IMPERIAL_GALLON * 36.0,
        "UsGallon" => US_GALLON,
        "DeciusGallon" => US_GALLON / 10.0,
        "DecausGallon" => US_GALLON * 10.0,
        "HectousGallon" => US_GALLON * 1e2,
        "KilousGallon" => US_GALLON * 1e3,
        "MegausGallon" => US_GALLON * 1e6,
        "UsQuart" => US_GALLON / 4.0,
        "UsPint" => US_GALLON / 8.0,
        "UsCustomaryCup" => US_GALLON / 16.0,
        "UsOunce" => US_GALLON / 128.0,
        "UsTablespoon" => US_GALLON / 256.0,
        "UsTeaspoon" => US_GALLON / 768.0,
        "UsBeerBarrel" => US_GALLON * 31.0,
        "OilBarrel" => US_GALLON * 42.0,
        "UsLegalCup" => 2.4e-4,
        "MetricCup" => 2.5e-4,
        "MetricTeaspoon" => 5e-6,
        "UkTablespoon" => 1.5e-5,
        "AuTablespoon" => 2e-5,
        _ => return None,
    })
}
