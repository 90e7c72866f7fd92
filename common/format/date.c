/* Dates by arithmetic, without locale, time zone files or the C library's global state. */
#include "format/date.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

enum { DAY_SECONDS = 86400, YEAR_MAX = 9999 };

struct civil {
    unsigned year, month, day, hour, minute, second;
    int offset_minutes; /* of the local time, east positive */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that the leap day is the last. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool is_real(const struct civil *c)
{
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days_in_month(c->year, c->month) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 59;
}

static int64_t seconds_of(const struct civil *c)
{
    int64_t of_day = (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
    return days_of(c->year, c->month, c->day) * DAY_SECONDS + of_day - (int64_t)c->offset_minutes * 60;
}

/* Exactly n digits; the cursor moves behind them. */
static bool digits(const char **p, size_t n, unsigned *out)
{
    *out = 0;
    for (; n > 0; n--, ++*p) {
        if (**p < '0' || **p > '9')
            return false;
        *out = *out * 10 + (unsigned)(**p - '0');
    }
    return true;
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static bool read_day(const char **p, struct civil *c)
{
    return digits(p, 4, &c->year) && skip(p, '-') && digits(p, 2, &c->month) && skip(p, '-') && digits(p, 2, &c->day);
}

static bool read_time(const char **p, struct civil *c)
{
    return digits(p, 2, &c->hour) && skip(p, ':') && digits(p, 2, &c->minute) && skip(p, ':') && digits(p, 2, &c->second);
}

/* Fractions are cut off. */
static bool skip_fraction(const char **p)
{
    if (!skip(p, '.'))
        return true;
    size_t n = strspn(*p, "0123456789");
    *p += n;
    return n > 0;
}

static bool read_offset(const char **p, struct civil *c)
{
    unsigned hours;
    unsigned minutes;
    if (skip(p, 'Z') || skip(p, 'z'))
        return true;
    int sign = **p == '-' ? -1 : 1;
    if (!skip(p, '+') && !skip(p, '-'))
        return false;
    if (!digits(p, 2, &hours) || !skip(p, ':') || !digits(p, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    c->offset_minutes = sign * (int)(hours * 60 + minutes);
    return true;
}

bool date_parse(int64_t *unix_seconds, const char *text, const char *what, struct err *e)
{
    struct civil c = { 0 };
    const char *p = text;
    *unix_seconds = 0;
    if (!read_day(&p, &c) || !skip(&p, 'T') || !read_time(&p, &c) || !skip(&p, 'Z') || *p != '\0')
        return err_set(e, ERR_FORMAT, "%s: \"%s\" is not a date like 2026-11-21T20:00:00Z", what, SHOWN(text));
    if (!is_real(&c))
        return err_set(e, ERR_FORMAT, "%s: there is no date %s", what, SHOWN(text));
    *unix_seconds = seconds_of(&c);
    return true;
}

bool date_parse_loose(int64_t *unix_seconds, const char *text, const char *what, struct err *e)
{
    struct civil c = { 0 };
    const char *p = text;
    *unix_seconds = 0;
    bool is_formed = read_day(&p, &c);
    if (is_formed && *p != '\0')
        is_formed = (skip(&p, 'T') || skip(&p, 't') || skip(&p, ' ')) && read_time(&p, &c) && skip_fraction(&p) && read_offset(&p, &c);
    if (!is_formed || *p != '\0')
        return err_set(e, ERR_FORMAT, "%s: \"%s\" is not a date like 2026-11-21T20:00:00+01:00 or 2026-11-21", what, SHOWN(text));
    if (!is_real(&c))
        return err_set(e, ERR_FORMAT, "%s: there is no date %s", what, SHOWN(text));
    *unix_seconds = seconds_of(&c);
    return true;
}

/* Year, month and day of a number of days: the inverse of days_of. */
static void civil_of(struct civil *c, int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    c->day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    c->month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    c->year = (unsigned)(year_of_era + era * 400 + (c->month <= 2));
}

static void put_digits(char *out, size_t n, unsigned v)
{
    for (; n > 0; v /= 10)
        out[--n] = (char)('0' + v % 10);
}

void date_format(char out[DATE_TEXT_BYTES], int64_t unix_seconds)
{
    const int64_t least = days_of(0, 1, 1) * DAY_SECONDS;
    const int64_t most = days_of(YEAR_MAX + 1, 1, 1) * DAY_SECONDS - 1;
    int64_t t = unix_seconds < least ? least : unix_seconds > most ? most : unix_seconds;
    int64_t days = (t >= 0 ? t : t - (DAY_SECONDS - 1)) / DAY_SECONDS;
    unsigned of_day = (unsigned)(t - days * DAY_SECONDS);
    struct civil c = { 0 };
    civil_of(&c, days);
    const struct {
        size_t at, n;
        unsigned v;
    } fields[] = { { 0, 4, c.year }, { 5, 2, c.month }, { 8, 2, c.day }, { 11, 2, of_day / 3600 }, { 14, 2, of_day / 60 % 60 }, { 17, 2, of_day % 60 } };
    BUG_IF(!text_copy(out, DATE_TEXT_BYTES, "0000-00-00T00:00:00Z"));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        put_digits(out + fields[i].at, fields[i].n, fields[i].v);
}
