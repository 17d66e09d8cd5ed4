//! Conversions between units of measurement.

mod factors;

use crate::arguments::{real, text};
use crate::function::{Outcome, ScalarFunction, function};
use crate::value::Value;

/// The functions of this module.
#[rustfmt::skip]
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("convert_angle(value: real, from: string, to: string): real", |_, a| convert(a, angle_to_degrees, degrees_to_angle)),
        function("convert_energy(value: real, from: string, to: string): real", |_, a| scale(a, factors::energy)),
        function("convert_force(value: real, from: string, to: string): real", |_, a| scale(a, factors::force)),
        function("convert_length(value: real, from: string, to: string): real", |_, a| scale(a, factors::length)),
        function("convert_mass(value: real, from: string, to: string): real", |_, a| scale(a, factors::mass)),
        function("convert_speed(value: real, from: string, to: string): real", |_, a| scale(a, factors::speed)),
        function("convert_temperature(value: real, from: string, to: string): real", |_, a| convert(a, temperature_to_kelvin, kelvin_to_temperature)),
        function("convert_volume(value: real, from: string, to: string): real", |_, a| scale(a, factors::volume)),
    ];
    table.into_iter().flatten().collect()
}

/// Units that differ by a factor.
fn scale(arguments: &[Value], factor: fn(&str) -> Option<f64>) -> Outcome {
    let result = || {
        let value = real(arguments, 0)?;
        let (from, to) = (factor(text(arguments, 1))?, factor(text(arguments, 2))?);
        Some(value * from / to)
    };
    Ok(result().map_or(Value::Null, Value::Real))
}

type Conversion = fn(&str, f64) -> Option<f64>;

/// Units that differ by more than a factor, by way of a common one.
fn convert(arguments: &[Value], to_common: Conversion, from_common: Conversion) -> Outcome {
    let result = || {
        let common = to_common(text(arguments, 1), real(arguments, 0)?)?;
        from_common(text(arguments, 2), common)
    };
    Ok(result().map_or(Value::Null, Value::Real))
}

fn angle_to_degrees(unit: &str, value: f64) -> Option<f64> {
    match unit {
        // A tilt is the sine of an angle.
        "Tilt" => Some(value.asin().to_degrees()),
        unit => Some(value * factors::angle(unit)?),
    }
}

fn degrees_to_angle(unit: &str, degrees: f64) -> Option<f64> {
    match unit {
        "Tilt" => Some(degrees.to_radians().sin()),
        unit => Some(degrees / factors::angle(unit)?),
    }
}

/// Size of a degree in kelvins, and where its zero lies.
fn temperature(unit: &str) -> Option<(f64, f64)> {
    const ICE: f64 = 273.15;
    Some(match unit {
        "Kelvin" => (1.0, 0.0),
        "DegreeCelsius" => (1.0, ICE),
        "MillidegreeCelsius" => (1e-3, ICE),
        "DegreeFahrenheit" => (5.0 / 9.0, 459.67 * 5.0 / 9.0),
        "DegreeRankine" => (5.0 / 9.0, 0.0),
        "DegreeDelisle" => (-2.0 / 3.0, ICE + 100.0),
        "DegreeNewton" => (100.0 / 33.0, ICE),
        "DegreeReaumur" => (1.25, ICE),
        "DegreeRoemer" => (40.0 / 21.0, ICE - 7.5 * 40.0 / 21.0),
        "SolarTemperature" => (5_778.0, 0.0),
        _ => return None,
    })
}

fn temperature_to_kelvin(unit: &str, value: f64) -> Option<f64> {
    let (size, zero) = temperature(unit)?;
    Some(value * size + zero)
}

fn kelvin_to_temperature(unit: &str, kelvin: f64) -> Option<f64> {
    let (size, zero) = temperature(unit)?;
    Some((kelvin - zero) / size)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::{call, check};
    use crate::value::Value;

    #[track_caller]
    fn converts(kind: &str, from: (f64, &str), to: (f64, &str)) {
        for ((value, unit), (expected, wanted)) in [(from, to), (to, from)] {
            let Ok(Value::Real(got)) = call(kind, &json!([value, unit, wanted])) else {
                panic!("{kind} does not know {unit} or {wanted}");
            };
            let error = (got - expected).abs() / expected.abs().max(1e-300);
            assert!(error < 1e-9, "{value} {unit} is {got} {wanted}");
        }
    }

    #[test]
    fn angles() {
        converts("convert_angle", (90.0, "Degree"), (100.0, "Gradian"));
        converts("convert_angle", (1.0, "Revolution"), (6_400.0, "NatoMil"));
        converts("convert_angle", (30.0, "Degree"), (0.5, "Tilt"));
        converts("convert_angle", (2.0, "Arcminute"), (120.0, "Arcsecond"));
        converts(
            "convert_angle",
            (180.0, "Degree"),
            (std::f64::consts::PI * 1e3, "Milliradian"),
        );
    }

    #[test]
    fn temperatures() {
        converts(
            "convert_temperature",
            (37.0, "DegreeCelsius"),
            (98.6, "DegreeFahrenheit"),
        );
        converts(
            "convert_temperature",
            (0.0 + 100.0, "DegreeCelsius"),
            (33.0, "DegreeNewton"),
        );
        converts(
            "convert_temperature",
            (10.0, "DegreeCelsius"),
            (135.0, "DegreeDelisle"),
        );
        converts(
            "convert_temperature",
            (20.0, "DegreeCelsius"),
            (16.0, "DegreeReaumur"),
        );
        converts(
            "convert_temperature",
            (20.0, "DegreeCelsius"),
            (18.0, "DegreeRoemer"),
        );
        converts(
            "convert_temperature",
            (300.0, "Kelvin"),
            (540.0, "DegreeRankine"),
        );
    }

    #[test]
    fn sizes() {
        converts("convert_length", (3.0, "Mile"), (4.828_032, "Kilometer"));
        converts("convert_length", (1.0, "Inch"), (72.0, "DtpPoint"));
        converts("convert_length", (1.0, "Chain"), (66.0, "Foot"));
        converts("convert_mass", (2.0, "Stone"), (28.0, "Pound"));
        converts(
            "convert_mass",
            (1.0, "LongTon"),
            (20.0, "LongHundredweight"),
        );
        converts("convert_volume", (1.0, "UsGallon"), (128.0, "UsOunce"));
        converts(
            "convert_volume",
            (1.0, "ImperialGallon"),
            (8.0, "ImperialPint"),
        );
        converts("convert_volume", (1.0, "Liter"), (1e-3, "CubicMeter"));
        converts("convert_speed", (1.0, "Knot"), (1.852, "KilometerPerHour"));
        converts(
            "convert_speed",
            (60.0, "MilePerHour"),
            (5_280.0, "FootPerMinute"),
        );
        converts("convert_force", (1.0, "PoundForce"), (16.0, "OunceForce"));
        converts(
            "convert_energy",
            (2.0, "KilowattHour"),
            (7_200_000.0, "Joule"),
        );
        converts(
            "convert_energy",
            (1.0, "ThermEc"),
            (100.0, "KilobritishThermalUnit"),
        );
    }

    #[test]
    fn unknown_units_give_null() {
        check(
            "convert_length",
            &json!([1.0, "Ell", "Meter"]),
            &json!(null),
        );
        check(
            "convert_temperature",
            &json!([1.0, "Kelvin", "Meter"]),
            &json!(null),
        );
    }
}
