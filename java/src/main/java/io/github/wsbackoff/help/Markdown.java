package io.github.wsbackoff.help;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes HTML, as Swing shows it, of the Markdown that our documentation is written in: headings,
 * paragraphs, lists of one level, tables, code, links and bold text. Pictures are left out: what
 * they show stands on the screen beside it.
 */
final class Markdown {
  private static final Pattern HEADING = Pattern.compile("(#{1,6}) +(.*)");
  private static final Pattern ITEM = Pattern.compile("([-*]|[0-9]+\\.) +(.*)");
  private static final Pattern PICTURE = Pattern.compile("<img [^>]*>|!\\[[^\\]]*\\]\\([^)]*\\)");
  private static final Pattern INLINE =
      Pattern.compile("`([^`]+)`|\\*\\*(.+?)\\*\\*|\\[((?:`[^`]*`|[^\\]`])*)\\]\\(([^)]*)\\)");
  private static final Pattern CELL_END = Pattern.compile("`[^`]*`|\\\\\\||(\\|)");
  private static final String FENCE = "```";

  private final StringBuilder html = new StringBuilder();
  private final List<String> rows = new ArrayList<>();

  /** The lines of a paragraph or of a list's item that goes on. */
  private final StringBuilder running = new StringBuilder();

  /** The element around the items of the list that goes on, or "". */
  private String list = "";

  private boolean isCode;

  private Markdown() {}

  /** What stands in the body of an HTML page. */
  static String toHtml(String text) {
    Markdown page = new Markdown();
    for (String line : text.split("\r?\n")) {
      page.line(line);
    }
    page.endBlock();
    return page.html.toString();
  }

  /** The anchor of a heading, as the project's pages have it. */
  static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-');
  }

  private void line(String line) {
    if (isCode || line.startsWith(FENCE)) {
      code(line);
      return;
    }
    String text = PICTURE.matcher(line).replaceAll("");
    Matcher heading = HEADING.matcher(text);
    Matcher item = ITEM.matcher(text);
    if (text.trim().isEmpty()) {
      endBlock();
    } else if (text.startsWith("|")) {
      endText();
      rows.add(text.trim());
    } else if (heading.matches()) {
      endBlock();
      heading(heading.group(1).length(), heading.group(2));
    } else if (item.matches()) {
      item(Character.isDigit(text.charAt(0)) ? "ol" : "ul", item.group(2));
    } else {
      running.append(running.length() == 0 ? "" : " ").append(text.trim());
    }
  }

  private void code(String line) {
    if (!line.startsWith(FENCE)) {
      html.append(escaped(line)).append('\n');
      return;
    }
    endBlock();
    isCode = !isCode;
    html.append(isCode ? "<pre>" : "</pre>\n");
  }

  private void heading(int level, String text) {
    html.append("<h" + level + "><a name=\"" + anchor(text) + "\"></a>");
    html.append(inline(text)).append("</h" + level + ">\n");
  }

  private void item(String kind, String text) {
    endTable();
    if (list.equals(kind)) {
      endText();
    } else {
      endBlock();
      list = kind;
      html.append("<" + kind + ">");
    }
    running.append(text);
  }

  private void endBlock() {
    endTable();
    endText();
    if (!list.isEmpty()) {
      html.append("</" + list + ">\n");
      list = "";
    }
  }

  private void endText() {
    if (running.length() > 0) {
      String element = list.isEmpty() ? "p" : "li";
      html.append("<" + element + ">" + inline(running.toString()) + "</" + element + ">\n");
      running.setLength(0);
    }
  }

  private void endTable() {
    if (rows.isEmpty()) {
      return;
    }
    html.append("<table border=\"1\" cellspacing=\"0\" cellpadding=\"3\">\n");
    for (int i = 0; i < rows.size(); i++) {
      boolean isHead = i == 0;
      boolean isEmpty = isHead && cells(rows.get(i)).stream().allMatch(String::isEmpty);
      if (i != 1 && !isEmpty) { // 1: the line below the heads
        String cell = isHead ? "th" : "td";
        html.append("<tr>");
        for (String text : cells(rows.get(i))) {
          html.append("<" + cell + ">" + inline(text) + "</" + cell + ">");
        }
        html.append("</tr>\n");
      }
    }
    html.append("</table>\n");
    rows.clear();
  }

  private static List<String> cells(String row) {
    List<String> cells = new ArrayList<>();
    String inner = row.substring(1);
    int from = 0;
    Matcher end = CELL_END.matcher(inner);
    while (end.find()) {
      if (end.group(1) != null) {
        cells.add(inner.substring(from, end.start()).trim().replace("\\|", "|"));
        from = end.end();
      }
    }
    return cells;
  }

  private static String inline(String text) {
    StringBuilder html = new StringBuilder();
    int from = 0;
    Matcher part = INLINE.matcher(text);
    while (part.find()) {
      html.append(escaped(text.substring(from, part.start())));
      if (part.group(1) != null) {
        html.append("<code>" + escaped(part.group(1)) + "</code>");
      } else if (part.group(2) != null) {
        html.append("<b>" + inline(part.group(2)) + "</b>");
      } else {
        html.append("<a href=\"" + escaped(part.group(4)) + "\">" + inline(part.group(3)) + "</a>");
      }
      from = part.end();
    }
    return html.append(escaped(text.substring(from))).toString();
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
