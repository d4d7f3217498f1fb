// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The kernels of softmax rows of `kernel_set`, for one vector width.
///
/// Included once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

inline constexpr std::size_t step = lanes;
/// Elements between two transfers of float32 sums to double.
inline constexpr std::size_t stretch = 1024;
/// A float of this magnitude has no fraction bits left, so adding it rounds half to even.
inline constexpr float rounder = 12582912.0F;

/// 1 to `lanes` - 1 elements, by pieces of fixed sizes: a call of memcpy would take longer.
template<typename Copy>
[[gnu::always_inline]] inline void each_piece(std::size_t count, const Copy& copy)
{
  std::size_t at = 0;
  if constexpr (lanes > 8)
    if ((count & 8) != 0) copy(at, sizeof(float) * 8), at += 8;
  if constexpr (lanes > 4)
    if ((count & 4) != 0) copy(at, sizeof(float) * 4), at += 4;
  if ((count & 2) != 0) copy(at, sizeof(float) * 2), at += 2;
  if ((count & 1) != 0) copy(at, sizeof(float));
}

[[gnu::always_inline]] inline floats load_some(const float* from, std::size_t count, float rest)
{
  float values[lanes];
  store(values, floats{} + rest);
  each_piece(count, [&](std::size_t at, auto bytes) __attribute__((always_inline)) {
    __builtin_memcpy(values + at, from + at, bytes);
  });
  return load(values);
}
[[gnu::always_inline]] inline void store_some(float* to, std::size_t count, const floats& value)
{
  float values[lanes];
  store(values, value);
  each_piece(count, [&](std::size_t at, auto bytes) __attribute__((always_inline)) {
    __builtin_memcpy(to + at, values + at, bytes);
  });
}

inline constexpr std::int32_t lane_numbers[]{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/// The lanes before `count`, as a mask.
[[gnu::always_inline]] inline ints lanes_before(std::size_t count)
{
  ints numbers;
  __builtin_memcpy(&numbers, lane_numbers, sizeof numbers);
  return numbers < static_cast<std::int32_t>(count);
}

/// Adds the lanes by halves.
[[gnu::always_inline]] inline double total(const floats& value)
{
  typedef float quad __attribute__((vector_size(16)));
  quad parts[lanes / 4];
  __builtin_memcpy(parts, &value, sizeof parts);
  quad sum = parts[0];
  if constexpr (lanes == 8) sum += parts[1];
  if constexpr (lanes == 16) sum = (parts[0] + parts[2]) + (parts[1] + parts[3]);
  return static_cast<double>((sum[0] + sum[2]) + (sum[1] + sum[3]));
}

/// The value as it is. A lambda without captures has a conversion to a function, which cannot be
/// inlined, and whose vectors need the instruction set in its signature.
struct every_lane {
  [[gnu::always_inline]] floats operator()(const floats& value) const { return value; }
};

/// Calls `work(loaded, own)` for each vector of a row: `loaded(x, rest)` is the vector of x with
/// `rest` in the lanes that are not its own, which are beyond the row or in the vector before;
/// `own(value)` is the value with 0 in these lanes.
template<typename Work>
[[gnu::always_inline]] inline void each_once(std::size_t begin, std::size_t end, const Work& work)
{
  std::size_t i = begin;
  for (; i + step <= end; i += step)
    work([i](const float* x, float) { return load(x + i); }, every_lane{});
  if (i == end) return;
  if (end < step) {
    const ints here = lanes_before(end);
    work([=](const float* x, float rest) { return load_some(x, end, rest); },
         [=](const floats& value) { return here ? value : floats{}; });
  } else {
    const ints before = lanes_before(step - (end - i));
    work(
        [=](const float* x, float rest) { return before ? floats{} + rest : load(x + end - step); },
        [=](const floats& value) { return before ? floats{} : value; });
  }
}

/// 2^((x - largest) rate) for x up to the largest: 2^k (k whole) times a polynomial of degree 6,
/// fitted for the least relative error, 1.6e-8 before rounding. At most 2 ulp off for the rounded
/// exponent; 0 far below 2^-126, 1 at the largest, NaN of NaN.
[[gnu::always_inline]] inline floats power(const floats& x, const floats& largest,
                                           const floats& rate)
{
  constexpr float least = -127.0F;            // of which the bits of 2^k are 0
  constexpr float biased = rounder + 127.0F;  // k + biased ends in the exponent bits of 2^k
  floats z = (x - largest) * rate;
  z = z < least ? floats{} + least : z;
  floats k = z + biased;
  keep(k);
  const ints scale = reinterpret_cast<ints>(k) << 23;
  k -= biased;
  keep(k);
  const floats f = z - k;
  floats p = f * 1.5353361959569156e-4F + 1.3398873852565885e-3F;
  p = p * f + 9.61843691766262e-3F;
  p = p * f + 5.5503323674201965e-2F;
  p = p * f + 0.24022647738456726F;
  p = p * f + 0.6931471824645996F;
  p = p * f + 1.0F;
  return p * reinterpret_cast<floats>(scale);
}

[[gnu::always_inline]] inline floats greater(const floats& a, const floats& b)
{
  return a > b ? a : b;
}

inline float largest(const float* x, std::size_t count)
{
  const float none = -__builtin_inff();
  floats one = floats{} + none, two = one, three = one, four = one;
  std::size_t i = 0;
  for (; i + 4 * step <= count; i += 4 * step) {
    one = greater(load(x + i), one);
    two = greater(load(x + i + step), two);
    three = greater(load(x + i + 2 * step), three);
    four = greater(load(x + i + 3 * step), four);
  }
  each_once(i, count,
            [&](const auto& loaded, const auto&) { one = greater(loaded(x, none), one); });
  one = greater(greater(one, two), greater(three, four));
  typedef float quad __attribute__((vector_size(16)));
  quad parts[lanes / 4];
  __builtin_memcpy(parts, &one, sizeof parts);
  quad most = parts[0];
  for (int p = 1; p < lanes / 4; ++p) most = parts[p] > most ? parts[p] : most;
  const float left = most[0] > most[2] ? most[0] : most[2];
  const float right = most[1] > most[3] ? most[1] : most[3];
  return left > right ? left : right;
}

/// Calls `work(begin, end)` for stretches of a row, after which float32 sums are added up in
/// double.
template<typename Work>
[[gnu::always_inline]] inline void each_stretch(std::size_t count, const Work& work)
{
  for (std::size_t begin = 0; begin < count; begin += stretch)
    work(begin, count - begin < stretch ? count : begin + stretch);
}

inline double sum(const float* x, std::size_t count, float from)
{
  double all = 0.0;
  each_stretch(count, [&](std::size_t begin, std::size_t end) {
    floats here{};
    each_once(begin, end, [&](const auto& loaded, const auto&) { here += loaded(x, from) - from; });
    all += total(here);
  });
  return all;
}

inline double exponentials(const float* x, std::size_t count, const exponent& of)
{
  const floats most = floats{} + of.largest, rate = floats{} + of.rate;
  double all = 0.0;
  each_stretch(count, [&](std::size_t begin, std::size_t end) {
    floats here{};
    each_once(begin, end, [&](const auto& loaded, const auto& own) {
      here += own(power(loaded(x, of.largest), most, rate));
    });
    all += total(here);
  });
  return all;
}

inline constexpr float plain_rate = 1.44269504F;

template<bool with_plain>
[[gnu::always_inline]] inline row_sums pair_by(const float* student, const float* teacher,
                                               std::size_t count, const exponent& of_student,
                                               const exponent& of_teacher)
{
  const floats student_most = floats{} + of_student.largest,
               teacher_most = floats{} + of_teacher.largest;
  const floats student_rate = floats{} + of_student.rate, teacher_rate = floats{} + of_teacher.rate;
  row_sums all;
  each_stretch(count, [&](std::size_t begin, std::size_t end) {
    floats of_s{}, of_t{}, apart{}, plain{};
    each_once(begin, end, [&](const auto& loaded, const auto& own) {
      const floats s = loaded(student, of_student.largest);
      const floats t = loaded(teacher, of_teacher.largest);
      const floats e = own(power(t, teacher_most, teacher_rate));
      of_s += own(power(s, student_most, student_rate));
      of_t += e;
      apart += e * ((t - teacher_most) - (s - student_most));
      if constexpr (with_plain) plain += own(power(s, student_most, floats{} + plain_rate));
    });
    all.student += total(of_s);
    all.teacher += total(of_t);
    all.apart += total(apart);
    if constexpr (with_plain) all.plain += total(plain);
  });
  return all;
}

inline row_sums pair(const float* student, const float* teacher, std::size_t count,
                     const exponent& of_student, const exponent& of_teacher, bool with_plain)
{
  return with_plain ? pair_by<true>(student, teacher, count, of_student, of_teacher)
                    : pair_by<false>(student, teacher, count, of_student, of_teacher);
}

/// Writes `value(loaded)` for each vector of a row; the last one again where it overlaps.
template<typename Value>
[[gnu::always_inline]] inline void write_row(std::size_t count, float* out, const Value& value)
{
  std::size_t i = 0;
  for (; i + step <= count; i += step)
    store(out + i, value([i](const float* x) { return load(x + i); }));
  if (i == count) return;
  if (count < step) {
    store_some(out, count, value([count](const float* x) { return load_some(x, count, 0.0F); }));
    return;
  }
  i = count - step;
  store(out + i, value([i](const float* x) { return load(x + i); }));
}

template<bool with_pair, bool with_plain>
[[gnu::always_inline]] inline void gradient_by(const float* student, const float* teacher,
                                               std::size_t count, const exponent& of_student,
                                               const exponent& of_teacher, const row_gradient& by,
                                               float* out)
{
  const floats student_most = floats{} + of_student.largest,
               teacher_most = floats{} + of_teacher.largest;
  const floats student_rate = floats{} + of_student.rate, teacher_rate = floats{} + of_teacher.rate;
  write_row(count, out, [&](const auto& loaded) {
    const floats x = loaded(student);
    floats value{};
    if constexpr (with_pair) {
      floats one = power(x, student_most, student_rate) * by.student;
      floats other = power(loaded(teacher), teacher_most, teacher_rate) * by.teacher;
      keep(one);  // both rounded: where student and teacher are the same, the difference is 0
      keep(other);
      value = one - other;
    }
    if constexpr (with_plain)
      value += power(x, student_most, floats{} + plain_rate) * by.plain + by.constant;
    return value;
  });
}

inline void gradient(const float* student, const float* teacher, std::size_t count,
                     const exponent& of_student, const exponent& of_teacher, const row_gradient& by,
                     float* out)
{
  if (teacher == nullptr)
    gradient_by<false, true>(student, teacher, count, of_student, of_teacher, by, out);
  else if (by.plain == 0.0F)
    gradient_by<true, false>(student, teacher, count, of_student, of_teacher, by, out);
  else
    gradient_by<true, true>(student, teacher, count, of_student, of_teacher, by, out);
}

#endif
