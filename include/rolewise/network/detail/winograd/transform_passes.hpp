// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The matrices of the Winograd convolution, times vectors of rows or columns.
///
/// Included by `passes.hpp`, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// `count` vectors: a row or a column of a tile or of a filter.
template<std::size_t count>
struct line {
  floats at[count];

  [[gnu::always_inline]] inline void write(float* to, std::size_t step) const
  {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < count; ++i) store(to + i * step, at[i]);
  }
};

/// Calls `read(i)` for each element.
template<std::size_t count, typename Read>
[[gnu::always_inline]] inline line<count> line_of(const Read& read)
{
  line<count> found;
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < count; ++i) found.at[i] = read(i);
  return found;
}

/// The points of large tiles, a and b, and their powers.
inline constexpr float a1 = 0.625F, a2 = a1 * a1, a3 = a2 * a1, b1 = 1.5F, b2 = b1 * b1,
                       b3 = b2 * b1, squares = a2 + b2, both = a2 * b2;
/// What divides the rows of G: the products of the differences to the other points.
inline constexpr float per_0 = 1 / both, per_a = 1 / (2 * a2 * (a2 - b2)),
                       per_b = 1 / (2 * b2 * (b2 - a2));

/// B' x.
[[gnu::always_inline]] inline line<4> spread_inputs(const line<4>& x)
{
  return {{x.at[0] - x.at[2], x.at[1] + x.at[2], x.at[2] - x.at[1], x.at[1] - x.at[3]}};
}
[[gnu::always_inline]] inline line<6> spread_inputs(const line<6>& x)
{
  const floats even_a = x.at[4] - b2 * x.at[2], odd_a = x.at[3] - b2 * x.at[1],
               even_b = x.at[4] - a2 * x.at[2], odd_b = x.at[3] - a2 * x.at[1];
  return {{(x.at[4] - squares * x.at[2]) + both * x.at[0], even_a + a1 * odd_a, even_a - a1 * odd_a,
           even_b + b1 * odd_b, even_b - b1 * odd_b,
           (x.at[5] - squares * x.at[3]) + both * x.at[1]}};
}

/// A' m.
[[gnu::always_inline]] inline line<2> gather_outputs(const line<4>& m)
{
  return {{m.at[0] + m.at[1] + m.at[2], m.at[1] - m.at[2] - m.at[3]}};
}
[[gnu::always_inline]] inline line<4> gather_outputs(const line<6>& m)
{
  const floats sum_a = m.at[1] + m.at[2], difference_a = m.at[1] - m.at[2],
               sum_b = m.at[3] + m.at[4], difference_b = m.at[3] - m.at[4];
  const floats of_a1 = a1 * difference_a, of_a2 = a2 * sum_a, of_a3 = m.at[5] + a3 * difference_a;
  return {{m.at[0] + sum_a + sum_b, of_a1 + b1 * difference_b, of_a2 + b2 * sum_b,
           of_a3 + b3 * difference_b}};
}

/// A g, of a gradient.
[[gnu::always_inline]] inline line<4> spread_gradient(const line<2>& g)
{
  return {{g.at[0], g.at[0] + g.at[1], g.at[0] - g.at[1], -g.at[1]}};
}
[[gnu::always_inline]] inline line<6> spread_gradient(const line<4>& g)
{
  const floats even_a = g.at[0] + a2 * g.at[2], odd_a = g.at[1] + a2 * g.at[3],
               even_b = g.at[0] + b2 * g.at[2], odd_b = g.at[1] + b2 * g.at[3];
  return {{g.at[0], even_a + a1 * odd_a, even_a - a1 * odd_a, even_b + b1 * odd_b,
           even_b - b1 * odd_b, g.at[3]}};
}

/// G g, of a filter.
[[gnu::always_inline]] inline void spread_filter(const line<3>& g, line<4>& to)
{
  const floats ends = g.at[0] + g.at[2];
  to = {{g.at[0], 0.5F * (ends + g.at[1]), 0.5F * (ends - g.at[1]), g.at[2]}};
}
[[gnu::always_inline]] inline void spread_filter(const line<3>& g, line<6>& to)
{
  const floats even_a = g.at[0] + a2 * g.at[2], even_b = g.at[0] + b2 * g.at[2];
  to = {{per_0 * g.at[0], per_a * (even_a + a1 * g.at[1]), per_a * (even_a - a1 * g.at[1]),
         per_b * (even_b + b1 * g.at[1]), per_b * (even_b - b1 * g.at[1]), g.at[2]}};
}

/// G' m, of the gradient of a filter.
[[gnu::always_inline]] inline line<3> gather_filter(const line<4>& m)
{
  const floats sum = 0.5F * (m.at[1] + m.at[2]);
  return {{m.at[0] + sum, 0.5F * (m.at[1] - m.at[2]), sum + m.at[3]}};
}
[[gnu::always_inline]] inline line<3> gather_filter(const line<6>& m)
{
  const floats sum_a = per_a * (m.at[1] + m.at[2]), sum_b = per_b * (m.at[3] + m.at[4]),
               odd_a = per_a * a1 * (m.at[1] - m.at[2]);
  const floats to_b = m.at[5] + a2 * sum_a;
  return {{(sum_a + sum_b) + per_0 * m.at[0], odd_a + per_b * b1 * (m.at[3] - m.at[4]),
           to_b + b2 * sum_b}};
}

#endif
