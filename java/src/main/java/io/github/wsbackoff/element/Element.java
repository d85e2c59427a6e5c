package io.github.wsbackoff.element;

import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.List;
import org.apache.jmeter.gui.Replaceable;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jmeter.testelement.property.StringProperty;
import org.apache.jorphan.util.JOrphanUtils;

/** What all elements of ours are to JMeter's window: "Replace All" changes each property. */
public interface Element extends TestElement, Replaceable {
  @Override
  default int replace(String regex, String replaceBy, boolean caseSensitive) {
    List<JMeterProperty> own = new ArrayList<>(); // replacing changes what is walked through
    for (PropertyIterator all = propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      if (property.getName().startsWith(Spec.PREFIX) && property instanceof StringProperty) {
        own.add(property);
      }
    }
    int replaced = 0;
    for (JMeterProperty property : own) {
      Object[] outcome =
          JOrphanUtils.replaceAllWithRegex(
              property.getStringValue(), regex, replaceBy, caseSensitive);
      if ((Integer) outcome[1] > 0) {
        replaced += (Integer) outcome[1];
        setProperty(property.getName(), (String) outcome[0]);
      }
    }
    return replaced;
  }
}
