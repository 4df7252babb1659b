#include "lib/mime/date.h"

#include <array>
#include <string>

#include "lib/base/text.h"
#include "lib/mime/tokens.h"

namespace facteur::mime {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::int64_t kDay = 86400;

/// Days from 1970-01-01 to a date of the Gregorian calendar; month 1 to 12.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

std::optional<int> month_of(std::string_view word) {
    if (auto number = parse_number(word); number && *number >= 1 && *number <= 12) {
        return static_cast<int>(*number);
    }
    if (word.size() < 3) return std::nullopt;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        if (istarts_with(word, kMonths[i])) return static_cast<int>(i) + 1;
    }
    return std::nullopt;
}

std::optional<int> number_up_to(std::string_view word, std::uint64_t most) {
    auto number = parse_number(word);
    if (!number || *number > most) return std::nullopt;
    return static_cast<int>(*number);
}

/// RFC 5322 section 4.3: two digits are 1950 to 2049, three are after 1900.
std::optional<int> year_of(std::string_view word) {
    auto year = number_up_to(word, 9999);
    if (!year) return std::nullopt;
    if (word.size() == 2) return *year + (*year < 50 ? 2000 : 1900);
    if (word.size() == 3) return *year + 1900;
    return year;
}

struct Zone {
    std::string_view name;
    int minutes;
};
constexpr std::array<Zone, 11> kZones = {{{"ut", 0},
                                          {"gmt", 0},
                                          {"utc", 0},
                                          {"edt", -240},
                                          {"est", -300},
                                          {"cdt", -300},
                                          {"cst", -360},
                                          {"mdt", -360},
                                          {"mst", -420},
                                          {"pdt", -420},
                                          {"pst", -480}}};

/// RFC 5322 section 3.3 and 4.3; an unknown zone counts as -0000.
int zone_of(std::string_view word) {
    if (word.size() >= 5 && (word[0] == '+' || word[0] == '-')) {
        auto hours = number_up_to(word.substr(1, 2), 99);
        auto minutes = number_up_to(word.substr(word[3] == ':' ? 4 : 3, 2), 59);
        if (!hours || !minutes) return 0;
        int total = *hours * 60 + *minutes;
        return word[0] == '-' ? -total : total;
    }
    for (const Zone& zone : kZones) {
        if (iequals(word, zone.name)) return zone.minutes;
    }
    return 0;
}

/// "hh:mm" or "hh:mm:ss" as seconds of the day.
std::optional<int> time_of(std::string_view word) {
    auto pieces = split(word, ':');
    if (pieces.size() < 2 || pieces.size() > 3) return std::nullopt;
    auto hour = number_up_to(pieces[0], 23);
    auto minute = number_up_to(pieces[1], 59);
    std::optional<int> second = 0;
    if (pieces.size() == 3) second = number_up_to(pieces[2].substr(0, pieces[2].find('.')), 60);
    if (!hour || !minute || !second) return std::nullopt;
    return *hour * 3600 + *minute * 60 + *second;
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
    Tokens tokens(text);
    auto next = [&tokens]() {
        tokens.skip();
        while (tokens.take_if(','))
            tokens.skip();
        return tokens.atom("(,");
    };
    std::string_view word = next();
    if (!word.empty() && is_alpha(word[0])) word = next();  // the day's name tells nothing
    // "22-Nov-2026" is seen in old software's Date fields.
    std::string_view day_word = word;
    std::string_view month_word;
    std::string_view year_word;
    if (auto pieces = split(word, '-'); pieces.size() == 3) {
        day_word = pieces[0];
        month_word = pieces[1];
        year_word = pieces[2];
    } else {
        month_word = next();
        year_word = next();
    }
    auto day = number_up_to(day_word, 31);
    auto month = month_of(month_word);
    auto year = year_of(year_word);
    auto seconds = time_of(next());
    if (!day || *day < 1 || !month || !year || !seconds) return std::nullopt;
    Date date;
    date.zone_minutes = zone_of(next());
    date.time = days_from_civil(*year, *month, *day) * kDay + *seconds -
                std::int64_t{date.zone_minutes} * 60;
    return date;
}

}  // namespace facteur::mime
