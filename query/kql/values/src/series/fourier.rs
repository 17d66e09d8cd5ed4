//! Fourier transforms of any length, and what is computed by them.

use std::f64::consts::PI;

use super::{Row, array, float, several, whole_series};
use crate::function::{Outcome, function};
use crate::value::Value;

pub(super) fn table() -> Vec<Row> {
    vec![
        function(
            "series_fft(series: dynamic, series_imaginary?: dynamic): (real: dynamic, imag: dynamic)",
            |_, a| transformed(a, Direction::Forward),
        ),
        function(
            "series_ifft(series: dynamic, series_imaginary?: dynamic): (real: dynamic, imag: dynamic)",
            |_, a| transformed(a, Direction::Back),
        ),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forward,
    Back,
}

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Complex {
    real: f64,
    imag: f64,
}

impl Complex {
    fn turn(angle: f64) -> Self {
        Self {
            real: angle.cos(),
            imag: angle.sin(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            real: self.real + other.real,
            imag: self.imag + other.imag,
        }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(other.times(Self {
            real: -1.0,
            imag: 0.0,
        }))
    }

    fn times(self, other: Self) -> Self {
        Self {
            real: self.real * other.real - self.imag * other.imag,
            imag: self.real * other.imag + self.imag * other.real,
        }
    }

    fn mirrored(self) -> Self {
        Self {
            real: self.real,
            imag: -self.imag,
        }
    }
}

fn transformed(arguments: &[Value], direction: Direction) -> Outcome {
    let Some(real) = whole_series(arguments.first())? else {
        return Ok(Value::Null);
    };
    let imag = match arguments.get(1) {
        None | Some(Value::Null) => vec![0.0; real.len()],
        given => match whole_series(given)? {
            Some(imag) if imag.len() == real.len() => imag,
            _ => return Ok(Value::Null),
        },
    };
    let complex = |(real, imag)| Complex { real, imag };
    let mut numbers: Vec<Complex> = real.into_iter().zip(imag).map(complex).collect();
    transform(&mut numbers, direction);
    let real: Vec<f64> = numbers.iter().map(|one| one.real).collect();
    let imag: Vec<f64> = numbers.iter().map(|one| one.imag).collect();
    several([array(&real), array(&imag)])
}

/// Any length; the way back divides by it.
fn transform(numbers: &mut Vec<Complex>, direction: Direction) {
    let length = numbers.len();
    if length < 2 {
        return;
    }
    let mirror = |numbers: &mut Vec<Complex>| {
        for one in numbers {
            *one = one.mirrored();
        }
    };
    if direction == Direction::Back {
        mirror(numbers);
    }
    if length.is_power_of_two() {
        halving(numbers);
    } else {
        *numbers = chirped(numbers);
    }
    if direction == Direction::Back {
        mirror(numbers);
        for one in numbers {
            one.real /= float(length);
            one.imag /= float(length);
        }
    }
}

/// Cooley and Tukey's, in place, for lengths that are powers of two.
fn halving(numbers: &mut [Complex]) {
    let length = numbers.len();
    let bits = length.trailing_zeros();
    for place in 0..length {
        let other = place.reverse_bits() >> (usize::BITS - bits);
        if place < other {
            numbers.swap(place, other);
        }
    }
    let mut size = 2;
    while size <= length {
        let turns: Vec<Complex> = (0..size / 2)
            .map(|step| Complex::turn(-2.0 * PI * float(step) / float(size)))
            .collect();
        for block in numbers.chunks_mut(size) {
            let (left, right) = block.split_at_mut(size / 2);
            for ((left, right), turn) in left.iter_mut().zip(right).zip(&turns) {
                let turned = right.times(*turn);
                *right = left.minus(turned);
                *left = left.plus(turned);
            }
        }
        size *= 2;
    }
}

/// Bluestein's: a transform of any length as a convolution, which is done by one of a power of two.
fn chirped(numbers: &[Complex]) -> Vec<Complex> {
    let length = numbers.len();
    // Squares are taken modulo twice the length, so that angles stay exact.
    let chirp: Vec<Complex> = (0..length)
        .map(|place| {
            let square = (place * place) % (2 * length);
            Complex::turn(-PI * float(square) / float(length))
        })
        .collect();
    let size = (2 * length - 1).next_power_of_two();
    let mut signal: Vec<Complex> = numbers
        .iter()
        .zip(&chirp)
        .map(|(one, chirp)| one.times(*chirp))
        .collect();
    signal.resize(size, Complex::default());
    let mut kernel = vec![Complex::default(); size];
    for (place, chirp) in chirp.iter().enumerate() {
        for at in [place, (size - place) % size] {
            if let Some(one) = kernel.get_mut(at) {
                *one = chirp.mirrored();
            }
        }
    }
    halving(&mut signal);
    halving(&mut kernel);
    let mut product: Vec<Complex> = signal
        .iter()
        .zip(&kernel)
        .map(|(left, right)| left.times(*right))
        .collect();
    transform(&mut product, Direction::Back);
    product
        .iter()
        .zip(&chirp)
        .map(|(one, chirp)| one.times(*chirp))
        .collect()
}

fn complex_of(numbers: &[f64]) -> Vec<Complex> {
    let complex = |real: &f64| Complex {
        real: *real,
        imag: 0.0,
    };
    numbers.iter().map(complex).collect()
}

/// Shares of the variance by frequency: 1, 2, ... cycles in the whole series, up to half its length.
pub(super) fn spectrum(centered: &[f64]) -> Vec<f64> {
    let mut numbers = complex_of(centered);
    transform(&mut numbers, Direction::Forward);
    let half = centered.len() / 2;
    let power = |(cycles, one): (usize, &Complex)| {
        let power = one.real.powi(2) + one.imag.powi(2);
        let is_alone = 2 * cycles == centered.len();
        if is_alone { power } else { 2.0 * power }
    };
    let cycles = numbers.iter().enumerate().skip(1).take(half);
    let powers: Vec<f64> = cycles.map(power).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}

/// How a series around zero resembles itself, moved by 0, 1, 2, ... elements; 1 is the same.
pub(super) fn autocorrelation(centered: &[f64]) -> Vec<f64> {
    let length = centered.len();
    let mut numbers = complex_of(centered);
    numbers.resize((2 * length).next_power_of_two(), Complex::default());
    halving(&mut numbers);
    for one in &mut numbers {
        *one = one.times(one.mirrored());
    }
    transform(&mut numbers, Direction::Back);
    let whole = numbers.first().map_or(1.0, |one| one.real);
    let scaled =
        |(lag, one): (usize, &Complex)| one.real / whole * float(length) / float(length - lag);
    numbers
        .iter()
        .take(length)
        .enumerate()
        .map(scaled)
        .collect()
}
