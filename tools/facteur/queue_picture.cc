#include "tools/facteur/queue_picture.h"

#include <algorithm>
#include <memory>

#include <cairo/cairo.h>

#include "lib/base/text.h"

namespace facteur::tool {
namespace {

constexpr double kWidth = 1000;
constexpr double kLabels = 260;
constexpr double kNumbers = 80;
constexpr double kLine = 26;
constexpr double kTop = 70;

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Pen = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

/// From green, for what has just come, to red.
void set_color(cairo_t* pen, std::size_t column) {
    const double age = static_cast<double>(column) / (AgeTable::kColumns - 1);
    cairo_set_source_rgb(pen, std::min(1.0, 0.25 + 1.5 * age), std::min(0.7, 1.4 * (1 - age)),
                         0.25);
}

void write_text(cairo_t* pen, double x, double y, const std::string& text) {
    cairo_set_source_rgb(pen, 0.1, 0.1, 0.1);
    cairo_move_to(pen, x, y);
    cairo_show_text(pen, text.c_str());
}

/// So much of it as fits into the width.
std::string fitting(cairo_t* pen, std::string text, double width) {
    cairo_text_extents_t extents;
    cairo_text_extents(pen, text.c_str(), &extents);
    while (extents.x_advance > width && text.size() > 4) {
        text.resize(text.size() - 4);
        text += "...";
        cairo_text_extents(pen, text.c_str(), &extents);
    }
    return text;
}

void draw_key(cairo_t* pen) {
    write_text(pen, 10, 26, "Recipients that wait, by domain and minutes in the queue");
    for (std::size_t i = 0; i < AgeTable::kColumns; ++i) {
        const double x = kLabels + static_cast<double>(i) * 66;
        set_color(pen, i);
        cairo_rectangle(pen, x, 38, 12, 12);
        cairo_fill(pen);
        write_text(pen, x + 16, 49, AgeTable::heading(i));
    }
}

void draw_row(cairo_t* pen, const AgeTable::Row& row, double y, double scale) {
    const std::string name = fitting(pen, printable(row.domain, 100), kLabels - 20);
    write_text(pen, 10, y + 17, name);
    double x = kLabels;
    for (std::size_t i = 0; i < row.counts.size(); ++i) {
        const double width = static_cast<double>(row.counts[i]) * scale;
        set_color(pen, i);
        cairo_rectangle(pen, x, y + 4, width, kLine - 8);
        cairo_fill(pen);
        x += width;
    }
    write_text(pen, x + 6, y + 17, std::to_string(row.total));
}

}  // namespace

Result<void> draw_ages(const std::vector<AgeTable::Row>& rows, const std::string& path) {
    const double height = kTop + kLine * static_cast<double>(rows.size()) + 10;
    Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(kWidth),
                                               static_cast<int>(height)),
                    cairo_surface_destroy);
    Pen pen(cairo_create(surface.get()), cairo_destroy);
    cairo_set_source_rgb(pen.get(), 1, 1, 1);
    cairo_paint(pen.get());
    cairo_select_font_face(pen.get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(pen.get(), 13);
    draw_key(pen.get());
    std::uint64_t most = 1;
    for (const AgeTable::Row& row : rows)
        most = std::max(most, row.total);
    const double scale = (kWidth - kLabels - kNumbers) / static_cast<double>(most);
    double y = kTop;
    for (const AgeTable::Row& row : rows) {
        draw_row(pen.get(), row, y, scale);
        y += kLine;
    }
    const cairo_status_t status = cairo_surface_write_to_png(surface.get(), path.c_str());
    if (status != CAIRO_STATUS_SUCCESS) {
        return permanent(path + ": " + cairo_status_to_string(status));
    }
    return {};
}

}  // namespace facteur::tool
